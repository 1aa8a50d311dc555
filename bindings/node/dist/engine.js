"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.Engine = exports.Watch = exports.Scripts = exports.Script = void 0;
const node_os_1 = require("node:os");
const node_path_1 = require("node:path");
const errors_1 = require("./errors");
const functions_1 = require("./functions");
const native_1 = require("./native");
const platform_1 = require("./platform");
const script_1 = require("./script");
const values_1 = require("./values");
/** Options that are no limits. */
const OTHERS = new Set(['isolation', 'workers', 'poolSize', 'threads', 'backlog']);
/** The library's limits by the names that they have here, with their numbers and whether they are times. */
const LIMITS = new Map();
native_1.native.limits.forEach((name, number) => {
    LIMITS.set(name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), { number, isTime: native_1.native.limitUnits[number] === 'ns' });
});
/** Options of workers as the library takes them: the numbers of PERILUNE_WORKER_*, each with its value. */
function workerOptions(options) {
    const { maxRuns, maxAge, backoff, spin, requireSandbox, ...others } = options;
    for (const key in others)
        throw new TypeError(`workers have no option ${key}`);
    if (maxRuns !== undefined && !(Number.isSafeInteger(maxRuns) && maxRuns >= 1)) {
        throw new RangeError('maxRuns: pass an integer from 1 on');
    }
    const values = [
        maxRuns,
        (0, values_1.nanoseconds)(maxAge, 'maxAge'),
        (0, values_1.nanoseconds)(backoff, 'backoff'),
        (0, values_1.nanoseconds)(spin, 'spin'),
        requireSandbox ? 1 : undefined,
    ];
    return values.flatMap((value, index) => (value === undefined ? [] : [index + 1, value]));
}
/** The program of worker processes. */
function workerProgram() {
    const command = (0, platform_1.commandOf)((0, node_path_1.join)(__dirname, '..'));
    if (command !== undefined)
        return command;
    throw new errors_1.PeriluneError("isolation: the command perilune, which is the worker processes' program, is missing beside the addon: install perilune anew, with scripts allowed");
}
/** A compiled script, which can be run by many at once. `Engine.compile` makes one. */
class Script extends script_1.Runnable {
}
exports.Script = Script;
/** The named scripts of an engine, as a Map has them: a source that is set is compiled, and serves from then on. */
class Scripts {
    engine;
    /** @internal */
    constructor(engine) {
        this.engine = engine;
    }
    /** Compiles a script and lets it serve. A source that does not compile throws, and changes nothing. */
    set(name, source) {
        (0, errors_1.call)(() => native_1.native.enginePut(this.engine.handle, name, source));
        return this;
    }
    /** The script that serves now. It stays that version. */
    get(name) {
        const handle = (0, errors_1.call)(() => native_1.native.engineGet(this.engine.handle, name));
        return handle && new Script(this.engine, handle);
    }
    has(name) {
        return this.get(name) !== undefined;
    }
    /** Takes a script out of service; returns whether there was one. */
    delete(name) {
        return (0, errors_1.call)(() => native_1.native.engineRemove(this.engine.handle, name));
    }
    /** The names, sorted. */
    keys() {
        return native_1.native.engineNames(this.engine.handle).values();
    }
    get size() {
        return native_1.native.engineNames(this.engine.handle).length;
    }
    *[Symbol.iterator]() {
        for (const name of this.keys()) {
            const script = this.get(name);
            if (script)
                yield [name, script];
        }
    }
    /** Lets the `*.lua` files of a directory serve: `PATH/NAME.lua` as `NAME`, `PATH/INSTANCE/NAME.lua` as `INSTANCE/NAME`. */
    loadDir(path) {
        return report((0, errors_1.call)(() => native_1.native.engineLoadDir(this.engine.handle, path)));
    }
}
exports.Scripts = Scripts;
function report([loaded, removed, failed]) {
    return { loaded, removed, failed: failed.map(([path, error]) => ({ path, error: (0, errors_1.errorOf)(error) })) };
}
/** Keeps named scripts as the files of a directory are, until it is closed: see `Engine.watch`. */
class Watch {
    told;
    others;
    #handle;
    /** @internal */
    constructor(handle, 
    /** The addon only borrows it. @internal */
    told, others) {
        this.told = told;
        this.others = others;
        this.#handle = handle;
        others.add(this);
    }
    /** Ends it. The scripts stay as they are. */
    close() {
        if (this.#handle)
            native_1.native.watchClose(this.#handle);
        this.#handle = undefined;
        this.others.delete(this);
    }
    [Symbol.dispose]() {
        this.close();
    }
}
exports.Watch = Watch;
/**
 * Runs scripts. Make one for a process (or worker) and share it.
 *
 * ```js
 * const engine = new Engine({ poolSize: 4, timeout: 5000 })
 * const script = engine.compile("print('Hello', ARGS.monster)", { name: 'hello' })
 * const trace = await script.run({ query: 'monster=Manticore' })
 * ```
 */
class Engine {
    #handle;
    #watches = new Set();
    /** How many VMs there may be. */
    poolSize;
    /** The named scripts. */
    scripts = new Scripts(this);
    /** @internal */
    functions = new functions_1.HostFunctions();
    constructor(options = {}) {
        const { isolation = 'none', workers, poolSize, threads, backlog } = options;
        if (isolation !== 'none' && isolation !== 'process')
            throw new TypeError("isolation: pass 'process' or 'none'");
        for (const [name, value, least] of [['poolSize', poolSize, 1], ['threads', threads, 1], ['backlog', backlog, 0]]) {
            if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
                throw new RangeError(`${name}: pass an integer from ${least} on`);
            }
        }
        const limits = [];
        for (const key in options) {
            if (OTHERS.has(key))
                continue;
            const limit = LIMITS.get(key);
            if (!limit)
                throw new TypeError(`an engine has no option ${key}`);
            const value = options[key];
            const most = limit.isTime ? (0, values_1.nanoseconds)(value, key) : (0, errors_1.call)(() => (0, values_1.size)(value, key));
            if (most !== undefined)
                limits.push(limit.number, most);
        }
        this.poolSize = poolSize ?? (node_os_1.availableParallelism ? (0, node_os_1.availableParallelism)() : (0, node_os_1.cpus)().length);
        if (workers && isolation !== 'process')
            throw new TypeError("workers: they are for isolation: 'process'");
        const program = isolation === 'process' ? workerProgram() : undefined;
        this.#handle = (0, errors_1.call)(() => native_1.native.engineNew(this.poolSize, backlog ?? -1, limits, program, workerOptions(workers ?? {}), threads ?? 0));
    }
    /** @internal */
    get handle() {
        this.assertOpen();
        return this.#handle;
    }
    /** @internal */
    assertOpen() {
        if (!this.#handle)
            throw new errors_1.PeriluneError('the engine is closed');
    }
    /** What keeps the engine's workers from the system; undefined where it has none. */
    sandbox() {
        const missing = (0, errors_1.call)(() => native_1.native.engineSandbox(this.handle));
        if (!missing)
            return undefined;
        const [systemCalls = null, files = null, namespaces = null, resources = null] = missing;
        return { systemCalls, files, namespaces, resources };
    }
    /** Compiles a script, on this thread. */
    compile(source, { name = 'script' } = {}) {
        return new Script(this, (0, errors_1.call)(() => native_1.native.engineCompile(this.handle, name, source)));
    }
    /** Compiles a script, on another thread. */
    async compileAsync(source, { name = 'script' } = {}) {
        try {
            return new Script(this, await native_1.native.engineCompileAsync(this.handle, name, source));
        }
        catch (thrown) {
            throw (0, errors_1.errorOf)(thrown);
        }
    }
    #named(name) {
        const script = this.scripts.get(name);
        if (!script)
            throw new errors_1.ScriptNotFound(name);
        return script;
    }
    /** Runs the script that serves under a name. */
    async run(name, request, options) {
        return this.#named(name).run(request, options);
    }
    /** The same on this thread, which waits. */
    runSync(name, request) {
        return this.#named(name).runSync(request);
    }
    /**
     * Gives scripts a function of the host, `host.NAME(…)`, from their next run on. In a run by `run` it is called on the loop, and may be
     * async: until it has answered, the run takes no thread, and its timeout or signal ends it at once. In one by `runSync` it is called at once, and
     * may not.
     */
    function(name, function_) {
        if (typeof function_ !== 'function')
            throw new TypeError(`${name}: a host function must be a function`);
        (0, errors_1.call)(() => this.functions.add(this.handle, name, function_));
        return this;
    }
    /** Gives scripts a module, `require "NAME"`, from their next run on. */
    module(name, source) {
        (0, errors_1.call)(() => native_1.native.engineModule(this.handle, name, source));
        return this;
    }
    /**
     * Loads a directory as `scripts.loadDir` does, and keeps the scripts as the files are: an edit is live in about 0.1 s, a broken one
     * changes nothing. It lasts as long as the engine, or until it is closed, and does not keep the process alive.
     */
    watch(path, onChange) {
        const told = (change) => onChange?.(report(change));
        return new Watch((0, errors_1.call)(() => native_1.native.engineWatch(this.handle, path, told)), told, this.#watches);
    }
    /** What is wrong with a source, and what may do something else than its author expects, line by line. Runs nothing. */
    check(source, { name = 'script' } = {}) {
        const found = (0, errors_1.call)(() => native_1.native.engineCheck(this.handle, name, source));
        return found.map(([isError, line, column, message]) => ({ severity: isError ? 'error' : 'warning', line, column, message }));
    }
    /** What the engine counted until now. */
    metrics() {
        return JSON.parse((0, errors_1.call)(() => native_1.native.engineMetrics(this.handle, false)));
    }
    /** The same in Prometheus' text form, to be served as `text/plain; version=0.0.4`. */
    prometheus() {
        return (0, errors_1.call)(() => native_1.native.engineMetrics(this.handle, true));
    }
    /** The ceilings of every run: milliseconds, bytes and counts. */
    get limits() {
        const limits = [...LIMITS].map(([name, { number, isTime }]) => {
            const most = native_1.native.engineLimit(this.handle, number);
            return [name, isTime ? most / 1e6 : most];
        });
        return Object.fromEntries(limits);
    }
    /** Ends the watches, and refuses new runs. Those under way end as they would. */
    close() {
        for (const watch of this.#watches)
            watch.close();
        this.#handle = undefined;
    }
    [Symbol.dispose]() {
        this.close();
    }
}
exports.Engine = Engine;
