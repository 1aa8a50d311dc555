"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.jsonText = jsonText;
exports.plain = plain;
exports.paramsOf = paramsOf;
exports.size = size;
exports.nanoseconds = nanoseconds;
const native_1 = require("./native");
/** Refuses what JSON would silently make something else of. */
function check(value, name) {
    switch (typeof value) {
        case 'number':
            if (!Number.isFinite(value))
                throw new TypeError(`${name}: ${value} can't be JSON`);
            return value;
        case 'bigint':
            return bigint(value);
        case 'function':
        case 'symbol':
            throw new TypeError(`${name}: a ${typeof value} can't be given to a script`);
        case 'object':
            if (value !== null)
                refuse(value, name);
            return value;
        default:
            return value;
    }
}
/** Objects that hold something, and have no members that say so. */
function refuse(value, name) {
    if (value instanceof Map || value instanceof Set || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
        throw new TypeError(`${name}: ${value.constructor.name} can't be given to a script: pass an object, an array or a Buffer`);
    }
}
/** A BigInt as scripts know integers: a number where a double is exact, else its digits. */
function bigint(value) {
    if (value >= -native_1.native.maxExact && value <= native_1.native.maxExact)
        return Number(value);
    if (value >= -(2n ** 63n) && value < 2n ** 64n)
        return String(value);
    throw new RangeError(`${value} has more than 64 bits: pass it as text`);
}
/** The JSON text of an object. */
function jsonText(value, name) {
    if (value === undefined || value === null || typeof value === 'string' || value instanceof Uint8Array)
        return value ?? undefined;
    if (typeof value !== 'object' || Array.isArray(value)) {
        throw new TypeError(`${name}: pass an object, or JSON as a string or Buffer`);
    }
    const text = JSON.stringify(value, function (key, item) {
        // `item` is what toJSON made of it: of a Buffer, numbers. What it was is in the holder.
        const original = this[key];
        if (original instanceof Uint8Array)
            return Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString();
        return check(item, key === '' ? name : `${name}: ${key}`);
    });
    if (text === undefined)
        throw new TypeError(`${name}: its toJSON returns nothing`);
    // JSON can write half a surrogate pair, but UTF-8 can't: it becomes U+FFFD, as in any other text.
    return text.includes('\\ud') ? text.replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '$1\ufffd') : text;
}
/** What a host function returned, as the addon takes it: of no more levels than a value may have, at which cycles end. */
function plain(value, depth = 0) {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array)
        return value;
    if (depth >= native_1.native.maxDepth)
        throw new RangeError(`a value is nested deeper than ${native_1.native.maxDepth} levels`);
    if (Array.isArray(value))
        return value.map((item) => plain(item, depth + 1));
    if ('toJSON' in value && typeof value.toJSON === 'function')
        return plain(value.toJSON(), depth + 1);
    refuse(value, 'a result');
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]));
}
/** Parameters as a list of keys and values. */
function paramsOf(get) {
    if (get === undefined)
        return undefined;
    const pairs = get instanceof URLSearchParams ? [...get] : Object.entries(get);
    return pairs.flatMap(([key, value]) => {
        if (typeof value === 'string')
            return [key, value];
        if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
            return [key, String(value)];
        throw new TypeError(`get: ${JSON.stringify(key)} must be a string, number or boolean, not ${value === null ? 'null' : typeof value}`);
    });
}
/** A size in bytes. */
function size(value, name) {
    if (value === undefined || value === null)
        return undefined;
    const bytes = typeof value === 'string' ? native_1.native.parseBytes(value) : value;
    if (!(bytes >= 0))
        throw new RangeError(`${name}: ${String(value)} is no size in bytes`);
    return bytes;
}
/** Milliseconds as nanoseconds. */
function nanoseconds(value, name) {
    if (value === undefined || value === null)
        return undefined;
    if (!(value >= 0))
        throw new RangeError(`${name}: ${String(value)} is no time in milliseconds`);
    return value * 1e6;
}
