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
exports.watch = watch;
exports.serve = serve;
const node_fs_1 = require("node:fs");
const fastify_1 = __importDefault(require("fastify"));
const errors_1 = require("./errors");
const fastify_2 = __importStar(require("./fastify"));
/** Milliseconds in which requests under way may end when the server is told to. */
const GRACE = 1000;
/** Public links by their scripts' names, kept in a file: they outlive the process. */
class Links extends Map {
    #path;
    constructor(path, scripts) {
        super();
        this.#path = path;
        const stored = this.#stored();
        for (const script of scripts)
            super.set(script, stored[script]);
    }
    #stored() {
        let stored;
        try {
            stored = JSON.parse((0, node_fs_1.readFileSync)(this.#path, 'utf8'));
        }
        catch (error) {
            if (error.code !== 'ENOENT')
                throw error;
            stored = {};
        }
        if (typeof stored !== 'object' || stored === null || Array.isArray(stored))
            throw new TypeError('it is no JSON object');
        return stored;
    }
    set(script, link) {
        try {
            // Others in the file stay: those of scripts that aren't public now may be again, and other processes write, too.
            this.#write({ ...this.#stored(), [script]: link });
        }
        catch (error) {
            throw new errors_1.PeriluneError(`The public links can't be kept in ${this.#path}: ${error.message}`);
        }
        return super.set(script, link);
    }
    #write(links) {
        const sorted = Object.fromEntries(Object.entries(links).sort(([a], [b]) => (a < b ? -1 : 1)));
        const path = `${this.#path}.${process.pid}`;
        try {
            (0, node_fs_1.writeFileSync)(path, `${JSON.stringify(sorted, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
            (0, node_fs_1.renameSync)(path, this.#path);
        }
        catch (error) {
            (0, node_fs_1.rmSync)(path, { force: true });
            throw error;
        }
    }
}
exports.Links = Links;
function url({ server }) {
    const { address, port } = server.address();
    return address.includes(':') ? `http://[${address}]:${port}` : `http://${address}:${port}`;
}
// Of a text Fastify would say which charset it has.
const notFound = (reply) => reply.code(404).type('application/json').send(Buffer.from('{"detail":"Not found"}'));
const app = async (register) => {
    // What Fastify says of a path that can't be decoded has all of the address in it.
    const made = (0, fastify_1.default)({ forceCloseConnections: 'idle', frameworkErrors: (_, __, reply) => void notFound(reply) });
    await register(made);
    return made.setNotFoundHandler((_, reply) => notFound(reply));
};
const endpointsApp = (options) => app((made) => made.register(fastify_2.default, options));
exports.endpointsApp = endpointsApp;
const metricsApp = (engine) => app((made) => made.register(fastify_2.metrics, { engine }));
exports.metricsApp = metricsApp;
/** Keeps the scripts as the files are, and tells of those that can't be put. */
function watch(engine, directory, complain) {
    engine.watch(directory, ({ failed }) => {
        for (const { path, error } of failed) {
            complain(error instanceof errors_1.CompileError ? `${path}:${error.line}: ${error.reason}` : `${path}: ${error.message}`);
        }
    });
}
/** Serves by apps that listen until it is told to end, by SIGINT or SIGTERM. The first is for requests, the second for the numbers to watch. */
async function serve(directory, apps, print) {
    const stopped = new Promise((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'])
            process.on(signal, () => resolve());
    });
    const texts = [`Serving ${directory} on `, 'Metrics on '];
    apps.forEach((app, at) => print(`${texts[at]}${url(app)}${at > 0 ? '/metrics' : ''}\n`));
    await stopped;
    setTimeout(() => apps.forEach((app) => app.server.closeAllConnections()), GRACE).unref();
    await Promise.all(apps.map((app) => app.close()));
}
