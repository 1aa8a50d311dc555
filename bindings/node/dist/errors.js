"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.ScriptNotFound = exports.PayloadError = exports.CompileError = exports.PeriluneError = void 0;
exports.errorOf = errorOf;
exports.call = call;
/** Anything that this package throws itself. */
class PeriluneError extends Error {
    /** So that what a batch gives back can be asked alike: a trace's `ok` is true after a success. */
    ok = false;
    name = 'PeriluneError';
}
exports.PeriluneError = PeriluneError;
/** A source that does not compile. The message is `NAME:LINE: reason`. */
class CompileError extends PeriluneError {
    script;
    line;
    reason;
    name = 'CompileError';
    constructor(message, 
    /** The name it was compiled with. */
    script, 
    /** The line, from 1. */
    line, 
    /** What is wrong there. */
    reason) {
        super(message);
        this.script = script;
        this.line = line;
        this.reason = reason;
    }
}
exports.CompileError = CompileError;
/** A request that can't be given to a script: no JSON, no object, or too large. The message is that of Syncano's API. */
class PayloadError extends PeriluneError {
    part;
    line;
    column;
    char;
    name = 'PayloadError';
    constructor(message, 
    /** Which part is not JSON: `body`, `config` or `meta`; empty for others. */
    part, 
    /** The line, from 1; 0 where there is no place. */
    line, 
    /** The character in the line, from 1. */
    column, 
    /** The character in the whole text, from 0. */
    char) {
        super(message);
        this.part = part;
        this.line = line;
        this.column = column;
        this.char = char;
    }
}
exports.PayloadError = PayloadError;
/** No script serves under the name. */
class ScriptNotFound extends PeriluneError {
    script;
    name = 'ScriptNotFound';
    constructor(
    /** Which. */
    script) {
        super(`Not found: ${JSON.stringify(script)}`);
        this.script = script;
    }
}
exports.ScriptNotFound = ScriptNotFound;
/** The error of one of the library's, or what else was thrown. */
function errorOf(thrown) {
    if (!(thrown instanceof Error) || !('codeName' in thrown))
        return thrown;
    const { message, codeName, reason, subject, line, column, char } = thrown;
    if (codeName === 'compile_error')
        return new CompileError(message, subject, line, reason);
    if (codeName === 'payload_error')
        return new PayloadError(message, subject, line, column, char);
    return new PeriluneError(message);
}
/** Calls the library. */
function call(body) {
    try {
        return body();
    }
    catch (thrown) {
        throw errorOf(thrown);
    }
}
