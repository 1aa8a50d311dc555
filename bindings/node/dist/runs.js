"use strict";
/** Runs of named scripts for a host that serves many: none has a promise, a signal or an object of the addon's to itself. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.serve = serve;
const errors_1 = require("./errors");
const native_1 = require("./native");
const trace_1 = require("./trace");
/** How often it is looked whether callers are gone: listeners would cost each run more than most scripts do. */
const SWEEP_MS = 25;
const underWay = new Map();
let isSweeping = false;
function sweep() {
    for (const [run, { caller }] of underWay)
        if (caller.isGone)
            native_1.native.serveCancel(run);
    isSweeping = false;
    sweepLater();
}
function sweepLater() {
    if (isSweeping || underWay.size === 0)
        return;
    isSweeping = true;
    setTimeout(sweep, SWEEP_MS).unref();
}
native_1.native.setServed((run, id, json, raw, error) => {
    const { engine, caller } = underWay.get(run);
    underWay.delete(run);
    if (json === undefined)
        return caller.fail((0, errors_1.errorOf)(error));
    if (raw === undefined)
        engine.forgetCause(id);
    caller.answer(json, id, raw === undefined ? undefined : new trace_1.Trace(raw, engine.findCause));
});
let begun = [];
/** Has a script run, which ends when its caller is gone. */
function serve(engine, name, payload, caller) {
    // To wake a thread costs as much as a short run: those that came together are handed over together, to threads that are awake then.
    if (begun.push({ engine, name, payload, caller }) === 1)
        setImmediate(begin);
}
function begin() {
    const runs = begun;
    begun = [];
    for (const { engine, name, payload: { query, post, form, meta }, caller } of runs) {
        try {
            const run = native_1.native.serve(engine.handle, name, query, post, form, meta);
            if (run === undefined)
                throw new errors_1.ScriptNotFound(name);
            underWay.set(run, { engine, caller });
        }
        catch (error) {
            caller.fail((0, errors_1.errorOf)(error));
        }
    }
    sweepLater();
}
