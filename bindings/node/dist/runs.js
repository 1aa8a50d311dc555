"use strict";
/** Runs of named scripts for a host that serves many: none has a promise, a signal or an object of the addon's to itself. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.serve = serve;
const errors_1 = require("./errors");
const native_1 = require("./native");
const trace_1 = require("./trace");
/** How often it is looked whether callers are gone: listeners would cost each run more than most scripts do. */
const SWEEP_MS = 25;
/** Each at its number. A Map would now and then be copied, and what an old copy has would live until all garbage is collected. */
const underWay = [];
let count = 0;
let isSweeping = false;
function sweep() {
    isSweeping = false;
    for (let run = 0; run < underWay.length; run++)
        if (underWay[run]?.caller.isGone)
            native_1.native.serveCancel(run);
    sweepLater();
}
function sweepLater() {
    if (isSweeping || count === 0)
        return;
    isSweeping = true;
    setTimeout(sweep, SWEEP_MS).unref();
}
native_1.native.setServed((run, id, json, raw, error) => {
    const known = underWay[run];
    // A second copy of this module, as test runners make, is told of the first one's.
    if (known === undefined)
        return;
    const { engine, caller } = known;
    underWay[run] = undefined;
    count--;
    if (error !== undefined || json === undefined)
        return caller.fail((0, errors_1.errorOf)(error));
    if (raw === undefined)
        engine.functions.forgetCause(id);
    caller.answer(json, id, raw === undefined ? undefined : new trace_1.Trace(raw, engine.functions.findCause));
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
    for (const run of runs) {
        const { engine, name, payload, caller } = run;
        // The library copies it.
        run.payload = undefined;
        try {
            const number = native_1.native.serve(engine.handle, name, payload?.query, payload?.post, payload?.form, payload?.meta);
            if (number === undefined)
                throw new errors_1.ScriptNotFound(name);
            underWay[number] = run;
            count++;
        }
        catch (error) {
            caller.fail((0, errors_1.errorOf)(error));
        }
    }
    sweepLater();
}
