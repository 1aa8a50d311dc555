/** Anything that this package throws itself. */
export declare class PeriluneError extends Error {
    /** So that what a batch gives back can be asked alike: a trace's `ok` is true after a success. */
    readonly ok: boolean;
    name: string;
}
/** A source that does not compile. The message is `NAME:LINE: reason`. */
export declare class CompileError extends PeriluneError {
    /** The name it was compiled with. */
    readonly script: string;
    /** The line, from 1. */
    readonly line: number;
    /** What is wrong there. */
    readonly reason: string;
    name: string;
    constructor(message: string, 
    /** The name it was compiled with. */
    script: string, 
    /** The line, from 1. */
    line: number, 
    /** What is wrong there. */
    reason: string);
}
/** A request that can't be given to a script: no JSON, no object, or too large. The message is that of Syncano's API. */
export declare class PayloadError extends PeriluneError {
    /** Which part is not JSON: `body`, `config` or `meta`; empty for others. */
    readonly part: string;
    /** The line, from 1; 0 where there is no place. */
    readonly line: number;
    /** The character in the line, from 1. */
    readonly column: number;
    /** The character in the whole text, from 0. */
    readonly char: number;
    name: string;
    constructor(message: string, 
    /** Which part is not JSON: `body`, `config` or `meta`; empty for others. */
    part: string, 
    /** The line, from 1; 0 where there is no place. */
    line: number, 
    /** The character in the line, from 1. */
    column: number, 
    /** The character in the whole text, from 0. */
    char: number);
}
/** No script serves under the name. */
export declare class ScriptNotFound extends PeriluneError {
    /** Which. */
    readonly script: string;
    name: string;
    constructor(
    /** Which. */
    script: string);
}
/** The error of one of the library's, or what else was thrown. */
export declare function errorOf(thrown: unknown): unknown;
/** Calls the library. */
export declare function call<T>(body: () => T): T;
