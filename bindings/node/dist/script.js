"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.Runnable = void 0;
const errors_1 = require("./errors");
const native_1 = require("./native");
const trace_1 = require("./trace");
const values_1 = require("./values");
const KNOWN = new Set(['query', 'get', 'post', 'form', 'config', 'meta', 'seed', 'timeout', 'memory', 'output', 'tenant']);
/** What can be run: all of a `Script` but its engine's type, which is made of scripts itself. */
class Runnable {
    engine;
    #handle;
    #info;
    /** @internal */
    constructor(
    /** The engine that it belongs to. */
    engine, handle) {
        this.engine = engine;
        this.#handle = handle;
    }
    get #known() {
        return (this.#info ??= native_1.native.scriptInfo(this.#handle));
    }
    /** The name that it was compiled with. */
    get name() {
        return this.#known[0];
    }
    /** Which version of its name it is: counted from 1 for named scripts. */
    get version() {
        return this.#known[1];
    }
    /** The SHA-256 of its source, in hex. */
    get hash() {
        return this.#known[2];
    }
    /** What it was compiled from. */
    get source() {
        return this.#known[3];
    }
    /** Runs it on this thread, which waits: what comes of it is in the trace, errors of the script included. */
    runSync(request = {}) {
        this.engine.assertOpen();
        const { query, post } = request;
        try {
            const raw = isFast(request)
                ? native_1.native.runSync(this.#handle, query, post)
                : native_1.native.runSync(this.#handle, query, (0, values_1.jsonText)(post, 'post'), request.form, (0, values_1.jsonText)(request.meta, 'meta'), optionsOf(request, undefined));
            return new trace_1.Trace(raw, this.engine.functions.findCause);
        }
        catch (thrown) {
            throw (0, errors_1.errorOf)(thrown);
        }
    }
    /** Runs it on one of the engine's own threads. */
    async run(request = {}, options) {
        this.engine.assertOpen();
        const { query, post } = request;
        const cancel = options?.signal && Cancel.of(options.signal);
        try {
            const raw = !cancel && isFast(request)
                ? native_1.native.run(this.#handle, query, post)
                : native_1.native.run(this.#handle, query, (0, values_1.jsonText)(post, 'post'), request.form, (0, values_1.jsonText)(request.meta, 'meta'), optionsOf(request, cancel?.handle));
            return new trace_1.Trace(await raw, this.engine.functions.findCause);
        }
        catch (thrown) {
            throw (0, errors_1.errorOf)(thrown);
        }
        finally {
            cancel?.release();
        }
    }
    /**
     * Runs it once for each request, as many at once as the engine has VMs, and resolves to what came of them in their order: a trace,
     * or the `PeriluneError` that kept a run from beginning. What one run does changes no other's result.
     */
    async runBatch(requests, options = {}) {
        const all = [...requests];
        const results = new Array(all.length);
        let next = 0;
        let done = 0;
        // As many as there are VMs: more would wait for one, and no longer than the engine lets a run wait.
        const workers = Array.from({ length: Math.min(all.length, this.engine.poolSize) }, async () => {
            while (next < all.length) {
                const index = next++;
                try {
                    results[index] = await this.run(all[index], options).catch((error) => {
                        if (error instanceof errors_1.PeriluneError)
                            return error;
                        throw error;
                    });
                    options.onProgress?.(++done, all.length);
                }
                catch (error) {
                    next = all.length;
                    throw error;
                }
            }
        });
        await Promise.all(workers);
        return results;
    }
}
exports.Runnable = Runnable;
/** What ends the runs of a signal: one for all of them, with one listener, for as long as there are some. */
class Cancel {
    signal;
    static #all = new WeakMap();
    handle = native_1.native.cancelNew();
    #abort = () => native_1.native.cancelNow(this.handle);
    #runs = 0;
    constructor(signal) {
        this.signal = signal;
        signal.addEventListener('abort', this.#abort, { once: true });
        if (signal.aborted)
            this.#abort();
    }
    static of(signal) {
        let cancel = Cancel.#all.get(signal);
        if (!cancel) {
            cancel = new Cancel(signal);
            Cancel.#all.set(signal, cancel);
        }
        cancel.#runs++;
        return cancel;
    }
    release() {
        if (--this.#runs > 0)
            return;
        this.signal.removeEventListener('abort', this.#abort);
        Cancel.#all.delete(this.signal);
    }
}
/** Whether nothing but a query and a body that are texts is given. */
function isFast(request) {
    for (const key in request) {
        if (key !== 'query' && key !== 'post' && request[key] !== undefined)
            return false;
    }
    const { post } = request;
    return post === undefined || typeof post === 'string' || post instanceof Uint8Array;
}
function optionsOf(request, cancel) {
    for (const key in request) {
        if (!KNOWN.has(key))
            throw new TypeError(`a request has no ${key}`);
    }
    if (request.query !== undefined && request.get !== undefined)
        throw new TypeError('pass query or get, not both');
    if (request.post !== undefined && request.form !== undefined)
        throw new TypeError('pass post or form, not both');
    const { seed } = request;
    if (typeof seed === 'number' && !(Number.isSafeInteger(seed) && seed >= 0)) {
        throw new RangeError('seed: pass an integer from 0 on, or a BigInt');
    }
    return [
        (0, values_1.jsonText)(request.config, 'config'),
        (0, values_1.paramsOf)(request.get),
        seed,
        (0, values_1.nanoseconds)(request.timeout, 'timeout'),
        (0, values_1.size)(request.memory, 'memory'),
        (0, values_1.size)(request.output, 'output'),
        cancel,
        request.tenant,
    ];
}
