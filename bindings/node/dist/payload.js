"use strict";
/** What a request's query, body and headers are to a script: secrets are cut out of the text, and the rest stays as it came. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.Headers = exports.quoted = exports.MultipartError = exports.given = exports.Form = void 0;
exports.withoutSecrets = withoutSecrets;
exports.multipart = multipart;
const busboy_1 = require("@fastify/busboy");
/** Parameters that carry keys. */
const SECRETS = new Set(['api_key', 'apikey', '_api_key', 'user_key', '_user_key']);
/** Headers that carry keys, as META would call them. */
const HIDDEN = new Set(['HTTP_AUTHORIZATION', 'HTTP_PROXY_AUTHORIZATION', 'HTTP_COOKIE', 'HTTP_X_API_KEY', 'HTTP_X_USER_KEY']);
// Texts are of bytes here, a character each: so nothing that is no UTF-8 gets lost.
const bytesOf = (text) => Buffer.from(text, 'latin1');
/** A name or value of a form, decoded. */
function decoded(text) {
    if (!/[+%]/.test(text))
        return text;
    return text.replace(/\+/g, ' ').replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}
/** A query or form, and its parameters that carry keys. */
class Form {
    secrets = new Map();
    /** What is left for the script. */
    text;
    constructor(raw) {
        // Nearly none has any: every name of a secret ends so, unless it is escaped.
        if (!/key|%/.test(raw)) {
            this.text = raw;
            return;
        }
        const kept = raw.split('&').filter((pair) => {
            const at = pair.indexOf('=');
            const name = decoded(at < 0 ? pair : pair.slice(0, at));
            if (!SECRETS.has(name))
                return true;
            this.secrets.set(name, at < 0 ? '' : decoded(pair.slice(at + 1)));
            return false;
        });
        this.text = kept.join('&');
    }
}
exports.Form = Form;
/** A text, as the engine takes it: most are ASCII, which is itself. */
const given = (text) => (/[\x80-\xff]/.test(text) ? bytesOf(text) : text);
exports.given = given;
/** Where a string of JSON ends that begins at `at`, behind its quote; undefined if it doesn't. */
function endOfString(text, at) {
    for (let end = at + 1; end < text.length; end++) {
        const c = text[end];
        if (c === '"')
            return end + 1;
        if (c === '\\')
            end++;
    }
    return undefined;
}
const space = /[ \t\n\r]*/y;
function skip(text, at) {
    space.lastIndex = at;
    space.test(text);
    return space.lastIndex;
}
/** Where the value of a member ends: at the comma or brace that is none of its own. */
function endOfValue(text, begin) {
    let depth = 0;
    for (let at = begin; at < text.length; at++) {
        switch (text[at]) {
            case '"': {
                const end = endOfString(text, at);
                if (end === undefined)
                    return undefined;
                at = end - 1;
                break;
            }
            case '{':
            case '[':
                depth++;
                break;
            case ',':
                if (depth === 0)
                    return at;
                break;
            case '}':
            case ']':
                if (depth-- === 0)
                    return at;
                break;
        }
    }
    return undefined;
}
/**
 * A JSON object without its members that carry keys, all others as they came; and `_api_key`, if that is a string. What is no object, or
 * can't be followed, is handed on as it came: the engine says what is wrong with it.
 */
function withoutSecrets(body) {
    if (!body.includes('key') && !body.includes('\\u'))
        return [body, undefined];
    const asItCame = [body, undefined];
    const text = body.toString('latin1');
    let at = skip(text, 0);
    if (text[at] !== '{')
        return asItCame;
    const head = text.slice(0, ++at);
    const kept = [];
    let key;
    let isCut = false;
    for (;;) {
        const begin = at;
        at = skip(text, at);
        if (text[at] === '}' && begin === head.length)
            break;
        const endOfName = text[at] === '"' ? endOfString(text, at) : undefined;
        if (endOfName === undefined)
            return asItCame;
        const colon = skip(text, endOfName);
        if (text[colon] !== ':')
            return asItCame;
        const end = endOfValue(text, colon + 1);
        if (end === undefined)
            return asItCame;
        let value;
        let isSecret;
        try {
            const name = JSON.parse(text.slice(at, endOfName));
            isSecret = SECRETS.has(name);
            // What is cut out must be JSON too: a body that isn't is refused, secrets or not.
            if (isSecret)
                value = JSON.parse(bytesOf(text.slice(colon + 1, end)).toString());
            if (name === '_api_key')
                key = typeof value === 'string' ? Buffer.from(value) : undefined;
        }
        catch {
            return asItCame;
        }
        if (isSecret)
            isCut = true;
        else
            kept.push(text.slice(begin, end));
        at = end;
        if (text[at] === '}')
            break;
        if (text[at] !== ',')
            return asItCame;
        at++;
    }
    return isCut ? [bytesOf(`${head}${kept.join(',')}${text.slice(at)}`), key] : asItCame;
}
/** Bytes of a multipart body that are taken apart at once. */
const PIECE = 8 * 1024;
/** Why a multipart body can't be read. */
class MultipartError extends Error {
}
exports.MultipartError = MultipartError;
/** A multipart body of at most so many parts as a form: fields, and those of files with the files' content, to the byte. */
function multipart(type, body, most) {
    return new Promise((resolve, reject) => {
        let isRefused = false;
        const refuse = (error) => {
            isRefused = true;
            reject(new MultipartError(error instanceof Error ? error.message : String(error)));
        };
        // Only what a form has a meaning for is escaped: it must not outgrow the limit.
        const escape = (text, what) => text.replace(what, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
        const pairs = [];
        try {
            // Fields would be decoded.
            const busboy = new busboy_1.Busboy({ headers: { 'content-type': type }, isPartAFile: () => true, limits: { files: most, parts: most } });
            busboy.on('file', (name, stream) => {
                const chunks = [];
                stream.on('error', refuse);
                stream.on('data', (chunk) => chunks.push(chunk));
                if (name === undefined)
                    return;
                const at = pairs.push('') - 1;
                stream.on('end', () => {
                    const content = Buffer.concat(chunks).toString('latin1');
                    pairs[at] = `${escape(Buffer.from(name).toString('latin1'), /[%&+=]/g)}=${escape(content, /[%&+]/g)}`;
                });
            });
            busboy.on('error', refuse);
            for (const event of ['filesLimit', 'partsLimit'])
                busboy.on(event, () => refuse(`more than ${most} parts`));
            busboy.on('finish', () => resolve(pairs.join('&')));
            // Piece by piece, so that it can be left: many small parts take long.
            for (let at = 0; at < body.length && !isRefused; at += PIECE)
                busboy.write(body.subarray(at, at + PIECE));
            busboy.end();
        }
        catch (error) {
            refuse(error);
        }
    });
}
/** A text as JSON: most have nothing to escape. */
const quoted = (text) => (/["\\\x00-\x1f\ud800-\udfff]/.test(text) ? JSON.stringify(text) : `"${text}"`);
exports.quoted = quoted;
/** What META calls a header, as JSON; empty for one that carries keys. */
function nameOf(header) {
    const name = `HTTP_${header.toUpperCase().replaceAll('-', '_')}`;
    return HIDDEN.has(name) ? '' : JSON.stringify(name);
}
// Strangers choose the names: neither many nor long ones are kept.
const NAMES = 500;
const NAME = 50;
const names = new Map();
function knownNameOf(header) {
    let name = names.get(header);
    if (name === undefined) {
        name = nameOf(header);
        if (names.size >= NAMES)
            names.clear();
        if (header.length <= NAME)
            names.set(header, name);
    }
    return name;
}
const REFERER = '"HTTP_REFERER"';
function withoutKeys(url) {
    const at = url.indexOf('?');
    return at < 0 ? url : `${url.slice(0, at)}?${new Form(url.slice(at + 1)).text}`;
}
/** The headers that say who asks, and all others as members of META. */
class Headers {
    apiKey = '';
    authorization = '';
    /** JSON, with a comma behind each member. */
    meta;
    /** Node keeps only the first or last of some headers: these are all, a name and a value in turn. */
    constructor(raw) {
        const members = new Map();
        for (let at = 0; at < raw.length; at += 2) {
            let header = raw[at];
            let value = raw[at + 1];
            // Of HTTP/2: the others are no headers, and one is the address with all that is in it.
            if (header === ':authority')
                header = 'host';
            else if (header.startsWith(':'))
                continue;
            const name = knownNameOf(header);
            if (name === REFERER)
                value = withoutKeys(value);
            if (name !== '') {
                const before = members.get(name);
                members.set(name, before === undefined ? value : `${before}, ${value}`);
                continue;
            }
            const lower = header.toLowerCase();
            if (lower === 'x-api-key')
                this.apiKey = value;
            else if (lower === 'authorization')
                this.authorization = value;
        }
        let meta = '';
        for (const [name, value] of members)
            meta += `${name}:${(0, exports.quoted)(value)},`;
        this.meta = meta;
    }
}
exports.Headers = Headers;
