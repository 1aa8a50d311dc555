"use strict";
/** The last traces of each script, as they were answered. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.History = void 0;
const OF_ONE = 100;
const MILLISECONDS = 24 * 60 * 60 * 1000;
const BYTES = 64 * 1024 * 1024;
/** What is shown of a result in a list. */
const RESULT = 16 * 1024;
const BEFORE_RESULT = ',"result":';
const AFTER_RESULT = ',"executed_at":"';
/** JSON of a trace with a link to it. */
const linked = (json, self) => `${json.slice(0, -1)},"links":${JSON.stringify({ self })}}`;
/** The same for a list. No text in a trace can be taken for these keys: its quotes are escaped, and a value's are before the last. */
function short(json) {
    if (json.length <= RESULT / 4)
        return json;
    const begin = json.indexOf(BEFORE_RESULT) + BEFORE_RESULT.length;
    const end = json.lastIndexOf(AFTER_RESULT);
    if (Buffer.byteLength(json.slice(begin, end)) <= RESULT)
        return json;
    return `${json.slice(0, begin)}{"__error__":"Result is too big to show in trace."}${json.slice(end)}`;
}
class History {
    #scripts = new Map();
    /** All, the oldest first. */
    #all = new Set();
    #bytes = 0;
    add(script, id, json) {
        const at = performance.now();
        const kept = { script, id, at, json: Buffer.byteLength(json) === json.length ? json : Buffer.from(json) };
        const own = this.#scripts.get(script);
        if (own)
            own.push(kept);
        else
            this.#scripts.set(script, [kept]);
        this.#all.add(kept);
        this.#bytes += kept.json.length;
        if (own && own.length > OF_ONE)
            this.#remove(own[0]);
        this.#forget(at);
    }
    /** One of them, with the link that it has; undefined if it isn't there. */
    get(script, id, self) {
        this.#forget();
        const kept = this.#scripts.get(script)?.find((kept) => kept.id === id);
        return kept && linked(kept.json.toString(), self);
    }
    /** All of a script, newest first. */
    list(script, self) {
        this.#forget();
        return (this.#scripts.get(script) ?? []).map(({ id, json }) => linked(short(json.toString()), self(id))).reverse();
    }
    #forget(now = performance.now()) {
        const since = now - MILLISECONDS;
        for (const kept of this.#all) {
            if (this.#bytes <= BYTES && kept.at >= since)
                break;
            this.#remove(kept);
        }
    }
    /** The oldest of its script, which the oldest of all is too. */
    #remove(kept) {
        const own = this.#scripts.get(kept.script);
        own.shift();
        if (own.length === 0)
            this.#scripts.delete(kept.script);
        this.#all.delete(kept);
        this.#bytes -= kept.json.length;
    }
}
exports.History = History;
