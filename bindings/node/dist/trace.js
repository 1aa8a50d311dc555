"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.RunError = exports.Trace = void 0;
const errors_1 = require("./errors");
const native_1 = require("./native");
const STATUSES = native_1.native.statuses;
const KINDS = native_1.native.errorKinds;
// Where the addon put what: see `pack` there.
const AT = { line: 4, id: 8, executedAt: 16, duration: 24, queued: 32, memory: 40, calls: 48, version: 56, response: 64, headers: 68, waited: 108 };
const LENGTHS = 72;
const TEXTS = 120;
const ABSENT = 0xffffffff;
/** What a run hands back. A field is made when it is read. */
class Trace {
    #raw;
    #cause;
    #value;
    /** @internal */
    constructor(raw, findCause) {
        this.#raw = raw;
        this.#cause = findCause?.(this);
    }
    #u32(at) {
        const raw = this.#raw;
        return ((raw.charCodeAt(at) | (raw.charCodeAt(at + 1) << 8) | (raw.charCodeAt(at + 2) << 16) | (raw.charCodeAt(at + 3) << 24)) >>> 0);
    }
    #u64(at) {
        return this.#u32(at + 4) * 0x100000000 + this.#u32(at);
    }
    /** A text's bytes, a character each. */
    #bytes(field) {
        const len = this.#u32(LENGTHS + 4 * field);
        if (len === ABSENT)
            return undefined;
        let begin = TEXTS;
        for (let before = 0; before < field; before++) {
            const other = this.#u32(LENGTHS + 4 * before);
            if (other !== ABSENT)
                begin += other;
        }
        return this.#raw.slice(begin, begin + len);
    }
    #text(field) {
        const bytes = this.#bytes(field);
        return bytes === undefined ? undefined : textOf(bytes);
    }
    get status() {
        return STATUSES[this.#raw.charCodeAt(0)];
    }
    /** Whether the status is `success`. */
    get ok() {
        return this.#raw.charCodeAt(0) === 0;
    }
    /** 1, 2, 3 … per engine. */
    get id() {
        return this.#u64(AT.id);
    }
    /** When the run began, to the millisecond. */
    get executedAt() {
        return new Date(Math.floor(this.#u64(AT.executedAt) / 1e3));
    }
    /** Milliseconds, rounded down. */
    get duration() {
        return Math.floor(this.durationNs / 1e6);
    }
    /** Nanoseconds. */
    get durationNs() {
        return this.#u64(AT.duration);
    }
    /** What the script printed, as text; what is not UTF-8 is U+FFFD. */
    get stdout() {
        return this.#text(0 /* Field.stdout */);
    }
    /** What the script printed, to the byte. */
    get stdoutBytes() {
        return Buffer.from(this.#bytes(0 /* Field.stdout */), 'latin1');
    }
    /** What the script wrote to stderr, and then the uncaught error. */
    get stderr() {
        return this.#text(1 /* Field.stderr */);
    }
    /** The same to the byte. */
    get stderrBytes() {
        return Buffer.from(this.#bytes(1 /* Field.stderr */), 'latin1');
    }
    /** Whether output past the limit was dropped. */
    get stdoutTruncated() {
        return this.#raw.charCodeAt(2) !== 0;
    }
    /** Whether output past the limit was dropped; the uncaught error never is. */
    get stderrTruncated() {
        return this.#raw.charCodeAt(3) !== 0;
    }
    /** What the script returned, from JSON: undefined for nothing, the value for one, an array for several. */
    get value() {
        if (this.#value === undefined) {
            const text = this.#text(3 /* Field.value */);
            if (text !== undefined)
                this.#value = JSON.parse(text);
        }
        return this.#value;
    }
    /** What the script gave to `set_response`. */
    get response() {
        const status = this.#u32(AT.response);
        if (status === 0)
            return undefined;
        const headers = [];
        let at = this.#raw.length - this.#u32(AT.headers);
        while (at < this.#raw.length) {
            const name = at + 8;
            const value = name + this.#u32(at);
            const end = value + this.#u32(at + 4);
            headers.push([this.#raw.slice(name, value), textOf(this.#raw.slice(value, end))]);
            at = end;
        }
        return {
            status,
            contentType: this.#text(7 /* Field.contentType */),
            content: Buffer.from(this.#bytes(8 /* Field.content */), 'latin1'),
            headers,
        };
    }
    /** The error that ended the run; undefined after a success. */
    get error() {
        const kind = KINDS[this.#raw.charCodeAt(1)];
        if (!kind)
            return undefined;
        return {
            kind,
            message: this.#text(4 /* Field.message */),
            script: this.#text(5 /* Field.errorScript */),
            line: this.#u32(AT.line) || undefined,
            traceback: this.#text(6 /* Field.traceback */),
        };
    }
    /** The name of the script that ran. */
    get script() {
        return this.#text(2 /* Field.script */);
    }
    /** The version of that script. */
    get version() {
        return this.#u64(AT.version);
    }
    /** What the run used. */
    get usage() {
        return { memoryBytes: this.#u64(AT.memory), hostCalls: this.#u64(AT.calls), queuedNs: this.#u64(AT.queued), waitedNs: this.#u64(AT.waited) };
    }
    /** Throws a `RunError` when the run did not succeed. */
    throwIfFailed() {
        const error = this.error;
        if (error) {
            const options = this.#cause === undefined ? {} : { cause: this.#cause };
            throw new RunError(error.message, error.kind, error.script, error.line, error.traceback, this, options);
        }
        return this;
    }
    /** The trace as Syncano's clients know it: what `JSON.stringify` writes. */
    toJSON() {
        return JSON.parse(this.json);
    }
    /** The same as one line, as the engine writes it: JavaScript spells numbers in another way. @internal */
    get json() {
        return native_1.native.traceJson(this.#raw);
    }
    /** What `console.log` shows. */
    [Symbol.for('nodejs.util.inspect.custom')]() {
        return `Trace ${this.id} of ${this.script}: ${this.status}, ${(this.durationNs / 1e6).toFixed(3)} ms`;
    }
}
exports.Trace = Trace;
/**
 * A run that did not succeed, thrown by `Trace.throwIfFailed`. The message is that of the error in the script; what a host function
 * threw, and the script did not catch, is the `cause`.
 */
class RunError extends errors_1.PeriluneError {
    kind;
    script;
    line;
    traceback;
    trace;
    name = 'RunError';
    constructor(message, kind, 
    /** The script in which it was raised. */
    script, 
    /** The line there, from 1. */
    line, 
    /** The chain of calls in the script, innermost first. */
    traceback, trace, options) {
        super(message, options);
        this.kind = kind;
        this.script = script;
        this.line = line;
        this.traceback = traceback;
        this.trace = trace;
    }
}
exports.RunError = RunError;
/** Bytes, a character each, as text. */
function textOf(bytes) {
    // Nearly all is ASCII, which is itself.
    return /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString() : bytes;
}
