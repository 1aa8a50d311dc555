#!/usr/bin/env node
"use strict";
/** `npx perilune serve`: what it takes, prints and exits with, as long as the command itself does not serve. */
Object.defineProperty(exports, "__esModule", { value: true });
const node_fs_1 = require("node:fs");
const node_path_1 = require("node:path");
const node_util_1 = require("node:util");
const args_1 = require("./args");
const engine_1 = require("./engine");
const errors_1 = require("./errors");
/** Exit code of usage, and when it can't serve. */
const REFUSED = 2;
/** What the system says, as other programs write it. */
function reasonOf({ errno = 0, message }) {
    const text = (0, node_util_1.getSystemErrorMap)().get(errno)?.[1] ?? message;
    return `${text.charAt(0).toUpperCase()}${text.slice(1)} (os error ${-errno})`;
}
/** What users know an input by. */
const pathOf = (input) => input.file ?? 'stdin';
function read(input) {
    if (input.text !== undefined)
        return Buffer.from(input.text);
    try {
        return (0, node_fs_1.readFileSync)(input.file ?? 0);
    }
    catch (error) {
        throw new args_1.Refused(`perilune: can't read ${pathOf(input)}: ${reasonOf(error)}`);
    }
}
/** All of it, also where the stream takes only a part at a time. */
function write(to, text) {
    let bytes = Buffer.from(text);
    while (bytes.length > 0) {
        try {
            bytes = bytes.subarray((0, node_fs_1.writeSync)(to, bytes));
        }
        catch (error) {
            if (error.code !== 'EAGAIN')
                throw error;
        }
    }
}
/** A reader that has gone, as `head` does, wants no more: that is no error. */
function print(text) {
    try {
        write(1, text);
    }
    catch (error) {
        const failure = error;
        if (failure.code !== 'EPIPE')
            throw new args_1.Refused(`perilune: can't write to stdout: ${reasonOf(failure)}`);
    }
}
function complain(reason) {
    try {
        write(2, `${reason.replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')}\n`);
    }
    catch {
        // Nobody is left to tell.
    }
}
/** The module that serves, which needs packages that others don't. */
async function serving() {
    try {
        return await import('./serve.js');
    }
    catch (error) {
        if (error.code !== 'MODULE_NOT_FOUND')
            throw error;
        throw new args_1.Refused('perilune: serve needs fastify and @fastify/busboy: npm install fastify @fastify/busboy');
    }
}
async function serve(given) {
    if (given.key.length === 0)
        throw (0, args_1.usage)('the following required arguments were not provided: --key <KEY|@FILE>');
    const { endpointsApp, Links, metricsApp, serve, watch } = await serving();
    const keys = given.key.flatMap((key) => read(key).toString().split('\n')).map((key) => key.trim()).filter((key) => key !== '');
    if (keys.length === 0)
        throw new args_1.Refused(`perilune: no key in ${pathOf(given.key[0])}: write one in each line`);
    const directory = given.files[0]?.file ?? '-';
    if (!(0, node_fs_1.statSync)(directory, { throwIfNoEntry: false })?.isDirectory())
        throw new args_1.Refused(`perilune: can't read ${directory}: it is no folder`);
    const { timeout, memory, output, rate } = given;
    const engine = new engine_1.Engine({ timeout, memory, output });
    const path = (0, node_path_1.join)(directory, '.public_links.json');
    const apps = [];
    try {
        apps.push(await endpointsApp({ engine, keys, public: given.public.length > 0 ? new Links(path, given.public) : [], rate }));
    }
    catch (error) {
        if (error instanceof errors_1.PeriluneError)
            throw error;
        const failure = error;
        throw new args_1.Refused(`perilune: can't read the public links in ${path}: ${failure.errno === undefined ? failure.message : reasonOf(failure)}`);
    }
    if (given['metrics-port'] !== undefined)
        apps.push(await metricsApp(engine));
    watch(engine, directory, complain);
    const host = given.host || '127.0.0.1';
    for (const [at, app] of apps.entries()) {
        const port = at > 0 ? given['metrics-port'] : (given.port ?? 8080);
        try {
            await app.listen({ host, port });
        }
        catch (error) {
            // Those that listen would keep the process.
            await Promise.all(apps.map((app) => app.close()));
            throw new args_1.Refused(`perilune: can't listen on ${host}:${port}: ${reasonOf(error)}`);
        }
    }
    await serve(directory, apps, print);
    // Runs under way are nobody's any more.
    process.exit(0);
}
async function main(argv) {
    try {
        const parsed = (0, args_1.parse)(argv);
        if (typeof parsed === 'string') {
            print(parsed);
            return 0;
        }
        return await serve(parsed[1]);
    }
    catch (error) {
        if (error instanceof args_1.Refused) {
            complain(error.message);
        }
        else if (error instanceof errors_1.PeriluneError) {
            complain(`perilune: ${error.message}`);
        }
        else {
            throw error;
        }
        return REFUSED;
    }
}
void main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
});
