"use strict";
/** `perilune serve`: a folder's scripts as Script Endpoints. */
var __createBinding = (this && this.__createBinding) || (Object.create ? (function(o, m, k, k2) {
    if (k2 === undefined) k2 = k;
    var desc = Object.getOwnPropertyDescriptor(m, k);
    if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
      desc = { enumerable: true, get: function() { return m[k]; } };
    }
    Object.defineProperty(o, k2, desc);
}) : (function(o, m, k, k2) {
    if (k2 === undefined) k2 = k;
    o[k2] = m[k];
}));
var __setModuleDefault = (this && this.__setModuleDefault) || (Object.create ? (function(o, v) {
    Object.defineProperty(o, "default", { enumerable: true, value: v });
}) : function(o, v) {
    o["default"] = v;
});
var __importStar = (this && this.__importStar) || (function () {
    var ownKeys = function(o) {
        ownKeys = Object.getOwnPropertyNames || function (o) {
            var ar = [];
            for (var k in o) if (Object.prototype.hasOwnProperty.call(o, k)) ar[ar.length] = k;
            return ar;
        };
        return ownKeys(o);
    };
    return function (mod) {
        if (mod && mod.__esModule) return mod;
        var result = {};
        if (mod != null) for (var k = ownKeys(mod), i = 0; i < k.length; i++) if (k[i] !== "default") __createBinding(result, mod, k[i]);
        __setModuleDefault(result, mod);
        return result;
    };
})();
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.metricsApp = exports.endpointsApp = exports.Links = void 0;
exports.serve = serve;
const node_fs_1 = require("node:fs");
const fastify_1 = __importDefault(require("fastify"));
const errors_1 = require("./errors");
const fastify_2 = __importStar(require("./fastify"));
/** Milliseconds in which requests under way may end when the server is told to. */
const GRACE = 1000;
/** Public links by their scripts' names, kept in a file: they outlive the process. */
class Links extends Map {
    #stored = {};
    #path;
    constructor(path, scripts) {
        super();
        try {
            this.#stored = JSON.parse((0, node_fs_1.readFileSync)(path, 'utf8'));
        }
        catch (error) {
            if (error.code !== 'ENOENT')
                throw error;
        }
        if (typeof this.#stored !== 'object' || this.#stored === null || Array.isArray(this.#stored))
            throw new TypeError('it is no JSON object');
        for (const script of scripts)
            super.set(script, this.#stored[script]);
        this.#path = path;
    }
    set(script, link) {
        super.set(script, link);
        // Those of scripts that aren't public now stay: they may be again.
        const stored = { ...this.#stored, ...Object.fromEntries(this) };
        const names = Object.keys(stored).filter((name) => stored[name]).sort();
        const path = `${this.#path}.${process.pid}`;
        try {
            (0, node_fs_1.writeFileSync)(path, `${JSON.stringify(Object.fromEntries(names.map((name) => [name, stored[name]])), null, 2)}\n`, { mode: 0o600, flag: 'wx' });
            (0, node_fs_1.renameSync)(path, this.#path);
        }
        catch (error) {
            (0, node_fs_1.rmSync)(path, { force: true });
            throw error;
        }
        this.#stored = stored;
        return this;
    }
}
exports.Links = Links;
function url({ server }) {
    const { address, port } = server.address();
    return address.includes(':') ? `http://[${address}]:${port}` : `http://${address}:${port}`;
}
const app = async (register) => {
    const made = (0, fastify_1.default)({ forceCloseConnections: 'idle' });
    await register(made);
    // Of a text Fastify would say which charset it has.
    return made.setNotFoundHandler((_, reply) => reply.code(404).type('application/json').send(Buffer.from('{"detail":"Not found"}')));
};
const endpointsApp = (options) => app((made) => made.register(fastify_2.default, options));
exports.endpointsApp = endpointsApp;
const metricsApp = (engine) => app((made) => made.register(fastify_2.metrics, { engine }));
exports.metricsApp = metricsApp;
/** Serves by apps that listen until it is told to end, by SIGINT or SIGTERM. The first is for requests, the second for the numbers to watch. */
async function serve(engine, directory, apps, print, complain) {
    const watch = engine.watch(directory, ({ failed }) => {
        for (const { path, error } of failed) {
            complain(error instanceof errors_1.CompileError ? `${path}:${error.line}: ${error.reason}` : `${path}: ${error.message}`);
        }
    });
    const stopped = new Promise((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'])
            process.on(signal, () => resolve());
    });
    const texts = [`Serving ${directory} on `, 'Metrics on '];
    apps.forEach((app, at) => print(`${texts[at]}${url(app)}${at > 0 ? '/metrics' : ''}\n`));
    await stopped;
    setTimeout(() => apps.forEach((app) => app.server.closeAllConnections()), GRACE).unref();
    await Promise.all(apps.map((app) => app.close()));
    watch.close();
}
