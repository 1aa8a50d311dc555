"use strict";
/** Who may ask for what, and how often. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.Rate = exports.Links = exports.Keys = exports.Answer = void 0;
const node_crypto_1 = require("node:crypto");
/** An answer that ends a request early. */
class Answer extends Error {
    status;
    headers;
    constructor(status, detail, headers = {}) {
        super(detail);
        this.status = status;
        this.headers = headers;
    }
}
exports.Answer = Answer;
/** Whatever keys are compared, as many bytes are: no time says how much of one was right. Longer ones are hashed. */
const BLOCK = 64;
const HASHED = 255;
/** A key, a character for each of its bytes, with its length. */
function blockOf(key, block = Buffer.alloc(BLOCK)) {
    block.fill(0);
    if (key.length < BLOCK) {
        block[0] = key.length;
        block.write(key, 1, 'latin1');
    }
    else {
        block[0] = HASHED;
        (0, node_crypto_1.createHash)('sha256').update(key, 'latin1').digest().copy(block, 1);
    }
    return block;
}
/** Who may ask. */
class Keys {
    #all;
    #of = new Map();
    #asked = Buffer.alloc(BLOCK);
    constructor(keys) {
        if (typeof keys === 'object' && keys !== null && (keys instanceof Map || !(Symbol.iterator in keys))) {
            for (const [instance, own] of keys instanceof Map ? keys : Object.entries(keys))
                this.#of.set(instance, Keys.#blocks(own));
            if (this.#of.size === 0)
                throw Keys.#wrong();
        }
        else {
            this.#all = Keys.#blocks(keys);
        }
    }
    static #wrong() {
        return new TypeError('keys: pass a key, an iterable of keys, or an object or Map of instances to their keys; none may be empty');
    }
    static #blocks(keys) {
        const isIterable = typeof keys === 'string' || (typeof keys === 'object' && keys !== null && Symbol.iterator in keys);
        const all = typeof keys === 'string' ? [keys] : isIterable ? [...keys] : [];
        if (all.length === 0 || !all.every((key) => typeof key === 'string' && key !== ''))
            throw Keys.#wrong();
        return all.map((key) => blockOf(Buffer.from(key).toString('latin1')));
    }
    /** Takes as long whichever key it is. The key has a character for each of its bytes. */
    isOf(instance, key) {
        const asked = blockOf(key, this.#asked);
        let isOne = false;
        for (const known of this.#all ?? this.#of.get(instance) ?? [])
            isOne = (0, node_crypto_1.timingSafeEqual)(asked, known) || isOne;
        return isOne;
    }
}
exports.Keys = Keys;
/** The scripts that need no key, and their links. */
class Links {
    #links;
    constructor(scripts) {
        const wrong = () => new TypeError('public: pass an iterable of INSTANCE/NAME, or a Map of them to links of 40 hex digits');
        if (typeof scripts === 'string' || (scripts !== undefined && !(Symbol.iterator in Object(scripts))))
            throw wrong();
        this.#links = scripts instanceof Map ? scripts : new Map([...(scripts ?? [])].map((name) => [name, undefined]));
        for (const [name, link] of this.#links) {
            if (typeof name !== 'string' || !/^[^/]+\/[^/]+$/.test(name))
                throw wrong();
            if (!link)
                this.reset(name);
            else if (typeof link !== 'string' || !/^[0-9a-f]{40}$/.test(link))
                throw wrong();
        }
    }
    get(script) {
        return this.#links.has(script) ? this.#links.get(script) || this.reset(script) : undefined;
    }
    reset(script) {
        const link = (0, node_crypto_1.randomBytes)(20).toString('hex');
        this.#links.set(script, link);
        return link;
    }
    isOf(script, link) {
        const own = this.get(script);
        const asked = Buffer.from(link);
        return own !== undefined && asked.length === own.length && (0, node_crypto_1.timingSafeEqual)(Buffer.from(own), asked);
    }
}
exports.Links = Links;
/** So many runs a second of each instance, and as many at once. */
class Rate {
    rate;
    #of = new Map();
    #most;
    constructor(rate) {
        this.rate = rate;
        if (!(typeof rate === 'number' && rate > 0))
            throw new TypeError('rate: pass a number of runs a second above 0');
        this.#most = Math.max(1, rate);
    }
    take(instance) {
        const now = performance.now();
        const bucket = this.#of.get(instance) ?? { tokens: this.#most, at: now };
        bucket.tokens = Math.min(this.#most, bucket.tokens + ((now - bucket.at) / 1000) * this.rate);
        bucket.at = now;
        this.#of.set(instance, bucket);
        if (bucket.tokens < 1) {
            const wait = Math.max(1, Math.ceil((1 - bucket.tokens) / this.rate));
            throw new Answer(429, 'Request was throttled.', { 'retry-after': String(wait) });
        }
        bucket.tokens--;
    }
}
exports.Rate = Rate;
