"use strict";
/** Script Endpoints for Fastify. What they answer is the library's to decide, see bindings/endpoints/README.md: here, bytes are moved
 * between requests and its exchanges. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.metrics = exports.Endpoints = void 0;
const engine_1 = require("./engine");
const errors_1 = require("./errors");
const native_1 = require("./native");
/** Calls the library with what the host passed. */
function checked(body) {
    try {
        return body();
    }
    catch (thrown) {
        const { codeName, message } = thrown;
        throw codeName === 'invalid_argument' ? new TypeError(message) : (0, errors_1.errorOf)(thrown);
    }
}
/** Instances and keys in turn; undefined in place of all instances. */
function keysOf(keys) {
    const listed = (own) => (typeof own === 'string' ? [own] : [...own]);
    if (typeof keys === 'string' || (Symbol.iterator in Object(keys) && !(keys instanceof Map))) {
        return listed(keys).flatMap((key) => [undefined, key]);
    }
    const all = keys instanceof Map ? [...keys] : Object.entries((keys ?? {}));
    return all.flatMap(([instance, own]) => listed(own).flatMap((key) => [instance, key]));
}
/** The Script Endpoints of an engine. An app has them by the plugin; a host that keeps them can change what is public while they serve. */
class Endpoints {
    /** @internal */
    engine;
    /** @internal */
    handle;
    #stored;
    constructor({ engine, keys, public: scripts, rate }) {
        if (!(engine instanceof engine_1.Engine))
            throw new TypeError('engine: pass an Engine');
        const pairs = scripts instanceof Map ? [...scripts] : [...(scripts ?? [])].map((name) => [name, undefined]);
        // An empty link is one that is missing.
        const given = pairs.flatMap(([name, link]) => [name, link || undefined]);
        this.engine = engine;
        this.handle = checked(() => native_1.native.endpointsNew(engine.handle, keysOf(keys), given, rate));
        if (!(scripts instanceof Map))
            return;
        this.#stored = scripts;
        for (const [name, link] of this.links)
            if (!scripts.get(name))
                scripts.set(name, link);
    }
    /** Makes a script public, as `INSTANCE/NAME`, by this link or a random one, which is returned. One that is public already gets this one. */
    publish(script, link) {
        checked(() => native_1.native.endpointsPublish(this.handle, script, link, true));
        return link ?? this.links.get(script);
    }
    /** Has a script need a key again. */
    unpublish(script) {
        checked(() => native_1.native.endpointsPublish(this.handle, script, undefined, false));
    }
    /** The public scripts and their links, as they are now. */
    get links() {
        return new Map(native_1.native.endpointsLinks(this.handle));
    }
    /** Stores a link that is to be, where the host keeps them; why not, if it can't be. @internal */
    store(script, link) {
        try {
            this.#stored?.set(script, link);
            return undefined;
        }
        catch (error) {
            return String(error instanceof Error ? error.message : error);
        }
    }
    /** Has a request answered, which was mounted below so many segments of its path. @internal */
    handleRequest(request, reply, depth) {
        new Exchange(this, request, reply).begin(depth);
    }
}
exports.Endpoints = Endpoints;
const JSON_LINES = 'content-type\napplication/json\n';
const asItIs = (text) => text;
/** Sends an answer. A string is written together with the headers. */
function send(reply, ...[status, close, , body, lines]) {
    reply.code(status);
    if (close)
        reply.header('connection', 'close');
    if (lines === JSON_LINES) {
        reply.header('content-type', 'application/json');
    }
    else {
        // Fastify keeps the last of most headers: those of one name go together.
        const headers = new Map();
        const parts = lines.split('\n');
        for (let at = 0; at + 1 < parts.length; at += 2) {
            const [name, value] = parts.slice(at, at + 2);
            const before = headers.get(name);
            headers.set(name, before === undefined ? value : [before, value].flat());
        }
        for (const [name, value] of headers)
            reply.header(name, value);
    }
    // Without a serializer, Fastify says of JSON which charset it has, and without a body it says no type.
    return body.length === 0 ? reply.send() : reply.serializer(asItIs).send(body);
}
/** How often it is looked whether clients are gone: listeners would cost each request more than most scripts do. */
const SWEEP_MS = 25;
/** Those whose answer is told, each at its number. A Map would now and then be copied, and what an old copy has would live until all garbage is collected. */
const underWay = [];
let count = 0;
let isSweeping = false;
let isSubmitting = false;
function sweep() {
    isSweeping = false;
    for (let number = 0; number < underWay.length; number++)
        if (underWay[number]?.isGone)
            native_1.native.exchangeCancel(number);
    sweepLater();
}
function sweepLater() {
    if (isSweeping || count === 0)
        return;
    isSweeping = true;
    setTimeout(sweep, SWEEP_MS).unref();
}
function submit() {
    isSubmitting = false;
    native_1.native.exchangesSubmit();
}
native_1.native.setAnswered((number, ...answer) => {
    const exchange = underWay[number];
    // A second copy of this module, as test runners make, is told of the first one's.
    if (exchange === undefined)
        return;
    underWay[number] = undefined;
    count--;
    exchange.answer(answer);
});
/** A request, until it is answered. */
class Exchange {
    endpoints;
    request;
    reply;
    constructor(endpoints, request, reply) {
        this.endpoints = endpoints;
        this.request = request;
        this.reply = reply;
    }
    get isGone() {
        // In HTTP/2 the stream says it, and not the response; one that waits for the response before it on its connection doesn't.
        const raw = this.reply.raw;
        return raw.stream ? raw.stream.destroyed : raw.destroyed || this.request.raw.socket.destroyed;
    }
    begin(depth) {
        this.#attempt(() => {
            const { method, raw, ip } = this.request;
            const url = raw.url;
            const mount = depth === 0 ? '' : mountOf(url, depth);
            // A closed engine throws.
            void this.endpoints.engine.handle;
            const head = `${method}\n${url}\n${mount}\n${ip ?? ''}\n${raw.rawHeaders.join('\n')}`;
            this.#go(native_1.native.endpointsAsk(this.endpoints.handle, head));
        });
    }
    /** Does what is next. Nobody is there to catch what is thrown. */
    #go(next) {
        if (typeof next === 'number') {
            if (next < 0)
                this.#read(-1 - next);
            else
                this.#run(next);
        }
        else if (next.length === 3) {
            const [number, script, link] = next;
            this.#go(native_1.native.exchangeStored(number, this.endpoints.store(script, link)));
        }
        else {
            this.answer(next);
        }
    }
    #run(number) {
        this.#wait(number);
        // To wake a thread costs as much as a short run: those that came together are handed over together, to threads that are awake then.
        if (!isSubmitting)
            setImmediate(submit);
        isSubmitting = true;
    }
    /** Until the answer is told. */
    #wait(number) {
        underWay[number] = this;
        count++;
        sweepLater();
    }
    #read(number) {
        const stream = this.request.body ?? this.request.raw;
        let isRead = false;
        const read = (isWhole) => {
            if (isRead)
                return;
            isRead = true;
            stream.off('data', push);
            this.#attempt(() => {
                const next = native_1.native.exchangeRead(number, isWhole);
                if (next === undefined)
                    this.#wait(number);
                else
                    this.#go(next);
            });
        };
        const push = (chunk) => {
            if (native_1.native.exchangePush(number, chunk))
                return;
            stream.pause();
            read(true);
        };
        if (stream.readableEnded || stream.destroyed)
            return read(stream.readableEnded);
        stream.on('data', push);
        stream.on('end', () => read(true));
        for (const event of ['error', 'close'])
            stream.on(event, () => read(false));
    }
    answer(answer) {
        this.#attempt(() => {
            if (answer.length === 0)
                throw new Error('there is no answer');
            this.endpoints.engine.functions.forgetCause(answer[2]);
            send(this.reply, ...answer);
        });
    }
    #attempt(body) {
        try {
            body();
        }
        catch (thrown) {
            fail((0, errors_1.errorOf)(thrown), this.reply);
        }
    }
}
/** What keeps the library from an answer. */
function fail(error, reply) {
    reply.log.error(error);
    try {
        reply.code(503).header('retry-after', '1').send({ detail: error instanceof Error ? error.message : String(error) });
    }
    catch {
        reply.raw.destroy();
    }
}
/** The path that endpoints are mounted below, which may have parameters. */
function mountOf(url, depth) {
    const mount = url.replace(/^https?:\/\/[^/]*/i, '').split('/', depth + 1).join('/');
    return mount.includes('%') ? Buffer.from(decodeURIComponent(mount)).toString('latin1') : mount;
}
/** Serves the scripts of an engine, `INSTANCE/NAME`, as Syncano's Script Endpoints. */
const plugin = async (app, options) => {
    const endpoints = 'endpoints' in options ? options.endpoints : new Endpoints(options);
    if (!(endpoints instanceof Endpoints))
        throw new TypeError('endpoints: pass Endpoints');
    const depth = app.prefix.replace(/\/$/, '').split('/').length - 1;
    const handle = (request, reply) => endpoints.handleRequest(request, reply, depth);
    // At the root, what is not found is the host's.
    if (app.prefix)
        app.setNotFoundHandler(handle);
    await app.register(async (app) => {
        // Bodies are read when it is known that somebody may send one.
        app.removeAllContentTypeParsers();
        app.addContentTypeParser('*', (_, stream, done) => done(null, stream));
        // What Fastify refuses before that, such as a content type, is answered in the same words.
        app.setErrorHandler((error, request, reply) => {
            if (!/^FST_ERR_(CTP_|ROUTE_MISSING_CONTENT_TYPE$)/.test(error.code ?? ''))
                throw error;
            handle(request, reply.removeHeader('connection'));
        });
        app.setNotFoundHandler(handle);
        app.all('/*', handle);
    }, { prefix: '/v1.1/instances' });
};
exports.default = plugin;
/** The numbers to watch, `/metrics` and `/healthz`: for whom, is the host's to decide. */
const metrics = async (app, { engine }) => {
    if (!(engine instanceof engine_1.Engine))
        throw new TypeError('engine: pass an Engine');
    for (const path of ['/metrics', '/healthz']) {
        app.get(path, async (_, reply) => send(reply, ...native_1.native.endpointsMetrics(engine.handle, path)));
    }
};
exports.metrics = metrics;
