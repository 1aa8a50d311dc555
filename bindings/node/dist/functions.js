"use strict";
/** The host functions of engines, and what they threw. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.HostFunctions = void 0;
const native_1 = require("./native");
const values_1 = require("./values");
/** Those of this environment's engines, by number: what a call is looked up in. */
const all = new Map();
const gone = new FinalizationRegistry((number) => all.delete(number));
let last = 0;
/** The functions of one engine. */
class HostFunctions {
    #number = ++last;
    #functions = new Map();
    #failures = new Map();
    constructor() {
        all.set(this.#number, new WeakRef(this));
        gone.register(this, this.#number);
    }
    add(engine, name, function_) {
        native_1.native.engineFunction(engine, name, this.#number);
        this.#functions.set(name, function_);
    }
    call(name, args) {
        const function_ = this.#functions.get(name);
        if (!function_)
            throw new Error('there is no such function');
        return function_(...args);
    }
    failed(run, text, thrown) {
        this.#failures.set(run, { text, thrown });
    }
    /** Nobody will ask for the cause. */
    forgetCause(run) {
        if (this.#failures.size > 0)
            this.#failures.delete(run);
    }
    findCause = (trace) => {
        if (this.#failures.size === 0)
            return undefined;
        const failure = this.#failures.get(trace.id);
        if (!failure)
            return undefined;
        this.#failures.delete(trace.id);
        return trace.error?.message.includes(failure.text) ? failure.thrown : undefined;
    };
}
exports.HostFunctions = HostFunctions;
function isPromise(value) {
    return typeof value === 'object' && value !== null && typeof value.then === 'function';
}
/** What a script is told of what was thrown, which can be anything. */
function textOf(thrown) {
    try {
        return String(thrown instanceof Error ? thrown.message : thrown).replace(/\p{Surrogate}/gu, '\ufffd');
    }
    catch {
        return 'the function failed';
    }
}
native_1.native.setDispatch((number, name, run, args, isSync, waiting) => {
    const functions = all.get(number)?.deref();
    const fail = (thrown) => {
        const text = textOf(thrown);
        functions?.failed(run, `host.${name}: ${text}`, thrown);
        native_1.native.settle(waiting, true, text);
    };
    const give = (value) => {
        let result;
        try {
            result = (0, values_1.plain)(value);
        }
        catch (thrown) {
            return fail(thrown);
        }
        native_1.native.settle(waiting, false, result);
    };
    try {
        if (!functions)
            throw new Error('the engine is gone');
        const value = functions.call(name, args);
        if (!isPromise(value))
            return give(value);
        if (isSync) {
            // Whatever comes of it, nobody waits.
            Promise.resolve(value).catch(() => undefined);
            throw new TypeError('the function is async, and runSync waits for no promise: use run');
        }
        Promise.resolve(value).then(give, fail);
    }
    catch (thrown) {
        fail(thrown);
    }
});
