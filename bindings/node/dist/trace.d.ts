import { PeriluneError } from './errors';
/** How a run ended. */
export type Status = 'success' | 'failure' | 'timeout' | 'memory_limit' | 'cancelled' | 'queue_timeout' | 'crashed';
/** What kind of error ended a run. */
export type ErrorKind = 'runtime' | 'value' | 'host_calls' | 'host' | 'timeout' | 'memory_limit' | 'cancelled' | 'queue_timeout' | 'crashed';
/** The error that ended a run. */
export interface ScriptError {
    readonly kind: ErrorKind;
    readonly message: string;
    /** The script in which it was raised; undefined when none was running. */
    readonly script: string | undefined;
    /** The line there, from 1. */
    readonly line: number | undefined;
    /** The chain of calls, innermost first, a line each. */
    readonly traceback: string;
}
/** The HTTP response that a script asked for, safe to send as it is. */
export interface Response {
    /** 100 to 599. */
    readonly status: number;
    readonly contentType: string;
    readonly content: Buffer;
    /** A pair for each line, in the order of the names: a name for which the script gave a list has several. */
    readonly headers: readonly (readonly [name: string, value: string])[];
}
/** What a run used. */
export interface Usage {
    /** The highest known growth of the VM's heap. */
    readonly memoryBytes: number;
    /** Calls of host functions. */
    readonly hostCalls: number;
    /** Waiting for a VM. */
    readonly queuedNs: number;
    /** Waiting for host functions, where the run took no thread meanwhile. */
    readonly waitedNs: number;
}
/** A trace as Syncano's clients know it. */
export interface TraceJson {
    status: Status;
    duration: number;
    result: {
        stderr: string;
        stdout: string;
        stdout_truncated?: true;
        stderr_truncated?: true;
        value?: unknown;
        response?: object;
    };
    executed_at: string;
    id: number;
    duration_ns: number;
    error?: object;
    script: string;
    version: number;
    usage: {
        memory_bytes: number;
        host_calls?: number;
        queued_ns?: number;
        waited_ns?: number;
    };
}
/** What a host function threw in a run, if it is what ended it. */
export type FindCause = (trace: Trace) => unknown;
/** What a run hands back. A field is made when it is read. */
export declare class Trace {
    #private;
    get status(): Status;
    /** Whether the status is `success`. */
    get ok(): boolean;
    /** 1, 2, 3 … per engine. */
    get id(): number;
    /** When the run began, to the millisecond. */
    get executedAt(): Date;
    /** Milliseconds, rounded down. */
    get duration(): number;
    /** Nanoseconds. */
    get durationNs(): number;
    /** What the script printed, as text; what is not UTF-8 is U+FFFD. */
    get stdout(): string;
    /** What the script printed, to the byte. */
    get stdoutBytes(): Buffer;
    /** What the script wrote to stderr, and then the uncaught error. */
    get stderr(): string;
    /** The same to the byte. */
    get stderrBytes(): Buffer;
    /** Whether output past the limit was dropped. */
    get stdoutTruncated(): boolean;
    /** Whether output past the limit was dropped; the uncaught error never is. */
    get stderrTruncated(): boolean;
    /** What the script returned, from JSON: undefined for nothing, the value for one, an array for several. */
    get value(): any;
    /** What the script gave to `set_response`. */
    get response(): Response | undefined;
    /** The error that ended the run; undefined after a success. */
    get error(): ScriptError | undefined;
    /** The name of the script that ran. */
    get script(): string;
    /** The version of that script. */
    get version(): number;
    /** What the run used. */
    get usage(): Usage;
    /** Throws a `RunError` when the run did not succeed. */
    throwIfFailed(): this;
    /** The trace as Syncano's clients know it: what `JSON.stringify` writes. */
    toJSON(): TraceJson;
}
/**
 * A run that did not succeed, thrown by `Trace.throwIfFailed`. The message is that of the error in the script; what a host function
 * threw, and the script did not catch, is the `cause`.
 */
export declare class RunError extends PeriluneError {
    readonly kind: ErrorKind;
    /** The script in which it was raised. */
    readonly script: string | undefined;
    /** The line there, from 1. */
    readonly line: number | undefined;
    /** The chain of calls in the script, innermost first. */
    readonly traceback: string;
    readonly trace: Trace;
    name: string;
    constructor(message: string, kind: ErrorKind, 
    /** The script in which it was raised. */
    script: string | undefined, 
    /** The line there, from 1. */
    line: number | undefined, 
    /** The chain of calls in the script, innermost first. */
    traceback: string, trace: Trace, options: ErrorOptions);
}
