/** `perilune bench`: how long a run takes. */
import { type Script } from './engine';
import { type RunRequest } from './script';
import { type Trace } from './trace';
/** Seconds: long enough for the VM, the caches and the clock of the processor to settle. */
export declare const WARM_UP = 0.3;
/** What was seen of a number of runs; times are in nanoseconds. */
export declare class Measured {
    #private;
    /** How many runs took so long. */
    readonly latencies: Map<number, number>;
    /** Only within the runs. */
    elapsed: number;
    runs: number;
    failed: number;
    add(latency: number, trace?: Trace): void;
    failures(): string;
    quantile(quantile: number): number;
    /**
     * The histogram: up to which latency, and how many runs. Rows of one width as far as most runs are, then one for the rest: a single
     * slow run would squeeze all others into the first row.
     */
    rows(): [upTo: number, runs: number][];
    report(path: string): string;
}
/** Nanoseconds in the unit that suits them. */
export declare function time(nanoseconds: number): string;
/** Runs the script until the time is over, once at least. */
export declare function measure(script: Script, request: RunRequest, seconds: number, what: string): Measured;
