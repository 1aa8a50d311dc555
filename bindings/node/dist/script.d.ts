import { PeriluneError } from './errors';
import { type Text } from './native';
import { Trace } from './trace';
import { type Json, type Size } from './values';
/** What a script is given. Limits only lower the engine's. */
export interface RunRequest {
    /** The raw query, without the `?`. */
    query?: Text | undefined;
    /** Parameters in place of a query. */
    get?: Record<string, string | number | boolean | bigint> | URLSearchParams | undefined;
    /** The body: an object, or JSON as a string or Buffer. */
    post?: Json | undefined;
    /** The body, an urlencoded form. */
    form?: Text | undefined;
    /** The host's settings, `CONFIG`. */
    config?: Json | undefined;
    /** What the host knows of the request, `META`. */
    meta?: Json | undefined;
    /** Makes `math.random` repeat. */
    seed?: number | bigint | undefined;
    /** Milliseconds. */
    timeout?: number | undefined;
    memory?: Size | undefined;
    /** Of stdout and stderr, each. */
    output?: Size | undefined;
    /** For whom the run is: a worker process serves one tenant only, and runs without one share theirs. */
    tenant?: Text | undefined;
}
/** What goes with an asynchronous run. */
export interface RunOptions {
    /** Cancels the run: its trace then says `cancelled`. */
    signal?: AbortSignal | undefined;
}
/** What goes with a batch. */
export interface BatchOptions extends RunOptions {
    /** Told after each run. */
    onProgress?: ((done: number, total: number) => void) | undefined;
}
/** What a script knows of the engine that it belongs to. */
export interface Owner {
    /** How many VMs there may be. */
    readonly poolSize: number;
}
/** What can be run: all of a `Script` but its engine's type, which is made of scripts itself. */
export declare class Runnable {
    #private;
    /** The engine that it belongs to. */
    readonly engine: Owner;
    /** The name that it was compiled with. */
    get name(): string;
    /** Which version of its name it is: counted from 1 for named scripts. */
    get version(): number;
    /** The SHA-256 of its source, in hex. */
    get hash(): string;
    /** What it was compiled from. */
    get source(): string;
    /** Runs it on this thread, which waits: what comes of it is in the trace, errors of the script included. */
    runSync(request?: RunRequest): Trace;
    /** Runs it on one of the engine's own threads. */
    run(request?: RunRequest, options?: RunOptions): Promise<Trace>;
    /**
     * Runs it once for each request, as many at once as the engine has VMs, and resolves to what came of them in their order: a trace,
     * or the `PeriluneError` that kept a run from beginning. What one run does changes no other's result.
     */
    runBatch(requests: Iterable<RunRequest>, options?: BatchOptions): Promise<(Trace | PeriluneError)[]>;
}
