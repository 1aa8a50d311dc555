import { PeriluneError } from './errors';
import { type HostFunction } from './functions';
import { type Text } from './native';
import { Runnable, type RunOptions, type RunRequest } from './script';
import { type Trace } from './trace';
import { type Size } from './values';
/** How an engine is to be. */
export interface EngineOptions {
    /**
     * Where runs are made: in worker processes that can do nothing but compute (`'process'`, Linux), so that a fault in the VM costs one run,
     * whose status is `crashed`, or in this process (`'none'`, and if not given). Functions of the host are called here either way.
     */
    isolation?: 'none' | 'process' | undefined;
    /** How worker processes are to be, where there are any. */
    workers?: WorkerOptions | undefined;
    /** How many VMs, and so how many runs at once, with those that wait; as many as the machine has threads, if not given. */
    poolSize?: number | undefined;
    /**
     * How many threads make the runs of `run`; as many as there are VMs, up to 64, if not given. A run that waits for a host function takes none, so
     * that VMs may be thousands; one that computes has one to itself.
     */
    threads?: number | undefined;
    /** Milliseconds of one run; 30,000. */
    timeout?: number | undefined;
    /** Bytes that the heap of a run's VM may grow by; 64 MiB. */
    memory?: Size | undefined;
    /** Bytes of stdout and stderr, each; 512 KiB. */
    output?: Size | undefined;
    /** Milliseconds that a run waits for a VM; 5,000. */
    queue?: number | undefined;
    /** Bytes of the returned value as JSON; 512 KiB. */
    value?: Size | undefined;
    /** Calls of host functions in one run; 10,000. */
    hostCalls?: number | undefined;
    /** Bytes of query, body, config and meta together; 512 KiB. */
    request?: Size | undefined;
    /** Parameters in the query; 1,000. */
    parameters?: number | undefined;
    /** Bytes of a source; 1 MiB. */
    source?: Size | undefined;
    /** Runs that may wait for a VM; 10,000. */
    backlog?: number | undefined;
}
/** How the worker processes of an engine are to be. */
export interface WorkerOptions {
    /** Runs after which each is replaced; without limit, if not given. */
    maxRuns?: number | undefined;
    /** Milliseconds after which no run begins in one; without limit, if not given. */
    maxAge?: number | undefined;
    /** Milliseconds for which a source is refused that ended three of them in a row, twice as long after each that it ends then; 1,000. */
    backoff?: number | undefined;
    /** Milliseconds for which a worker and this process wait for each other without sleeping; 0.02. */
    spin?: number | undefined;
    /** The engine can't be made where a part of the sandbox is missing. */
    requireSandbox?: boolean | undefined;
}
/** What keeps workers from the system beside their VMs: each with why it is missing, or null where it is in place. */
export interface Sandbox {
    /** Only system calls that computing needs (seccomp). */
    readonly systemCalls: string | null;
    /** No file can be opened, and no port (Landlock). */
    readonly files: string | null;
    /** A user and a network of its own (namespaces). */
    readonly namespaces: string | null;
    /** Bounds of memory, processes and files, no dumps, and an end with this process. */
    readonly resources: string | null;
}
/** What came of loading a directory, or of a change in a watched one. */
export interface Report {
    /** The names of scripts that are new or changed. */
    readonly loaded: string[];
    /** The names that no longer serve, because their files are gone. */
    readonly removed: string[];
    /** The files that could not be put, and why. What served under their names before goes on. */
    readonly failed: {
        readonly path: string;
        readonly error: PeriluneError;
    }[];
}
/** What `Engine.check` says of one line. */
export interface Diagnostic {
    readonly severity: 'error' | 'warning';
    /** From 1. */
    readonly line: number;
    /** Where in that line, in characters from 1. */
    readonly column: number;
    readonly message: string;
}
type LimitName = keyof Omit<EngineOptions, 'isolation' | 'workers' | 'poolSize' | 'threads' | 'backlog'>;
/** A compiled script, which can be run by many at once. `Engine.compile` makes one. */
export declare class Script extends Runnable {
    readonly engine: Engine;
}
/** The named scripts of an engine, as a Map has them: a source that is set is compiled, and serves from then on. */
export declare class Scripts {
    private readonly engine;
    /** Compiles a script and lets it serve. A source that does not compile throws, and changes nothing. */
    set(name: string, source: Text): this;
    /** The script that serves now. It stays that version. */
    get(name: string): Script | undefined;
    has(name: string): boolean;
    /** Takes a script out of service; returns whether there was one. */
    delete(name: string): boolean;
    /** The names, sorted. */
    keys(): IterableIterator<string>;
    get size(): number;
    [Symbol.iterator](): IterableIterator<[string, Script]>;
    /** Lets the `*.lua` files of a directory serve: `PATH/NAME.lua` as `NAME`, `PATH/INSTANCE/NAME.lua` as `INSTANCE/NAME`. */
    loadDir(path: string): Report;
}
/** Keeps named scripts as the files of a directory are, until it is closed: see `Engine.watch`. */
export declare class Watch {
    #private;
    private readonly others;
    /** Ends it. The scripts stay as they are. */
    close(): void;
    [Symbol.dispose](): void;
}
/**
 * Runs scripts. Make one for a process (or worker) and share it.
 *
 * ```js
 * const engine = new Engine({ poolSize: 4, timeout: 5000 })
 * const script = engine.compile("print('Hello', ARGS.monster)", { name: 'hello' })
 * const trace = await script.run({ query: 'monster=Manticore' })
 * ```
 */
export declare class Engine {
    #private;
    /** How many VMs there may be. */
    readonly poolSize: number;
    /** The named scripts. */
    readonly scripts: Scripts;
    constructor(options?: EngineOptions);
    /** What keeps the engine's workers from the system; undefined where it has none. */
    sandbox(): Sandbox | undefined;
    /** Compiles a script, on this thread. */
    compile(source: Text, { name }?: {
        name?: string;
    }): Script;
    /** Compiles a script, on another thread. */
    compileAsync(source: Text, { name }?: {
        name?: string;
    }): Promise<Script>;
    /** Runs the script that serves under a name. */
    run(name: string, request?: RunRequest, options?: RunOptions): Promise<Trace>;
    /** The same on this thread, which waits. */
    runSync(name: string, request?: RunRequest): Trace;
    /**
     * Gives scripts a function of the host, `host.NAME(…)`, from their next run on. In a run by `run` it is called on the loop, and may be
     * async: until it has answered, the run takes no thread, and its timeout or signal ends it at once. In one by `runSync` it is called at once, and
     * may not.
     */
    function(name: string, function_: HostFunction): this;
    /** Gives scripts a module, `require "NAME"`, from their next run on. */
    module(name: string, source: Text): this;
    /**
     * Loads a directory as `scripts.loadDir` does, and keeps the scripts as the files are: an edit is live in about 0.1 s, a broken one
     * changes nothing. It lasts as long as the engine, or until it is closed, and does not keep the process alive.
     */
    watch(path: string, onChange?: (report: Report) => void): Watch;
    /** What is wrong with a source, and what may do something else than its author expects, line by line. Runs nothing. */
    check(source: Text, { name }?: {
        name?: string;
    }): Diagnostic[];
    /** What the engine counted until now. */
    metrics(): any;
    /** The same in Prometheus' text form, to be served as `text/plain; version=0.0.4`. */
    prometheus(): string;
    /** The ceilings of every run: milliseconds, bytes and counts. */
    get limits(): Readonly<Record<LimitName, number>>;
    /** Ends the watches, and refuses new runs. Those under way end as they would. */
    close(): void;
    [Symbol.dispose](): void;
}
export {};
