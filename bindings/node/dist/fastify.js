"use strict";
/** Script Endpoints for Fastify: what they answer is fixed by bindings/endpoints/README.md. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.metrics = void 0;
const node_crypto_1 = require("node:crypto");
const engine_1 = require("./engine");
const errors_1 = require("./errors");
const history_1 = require("./history");
const json_1 = require("./json");
const payload_1 = require("./payload");
const ROOT = '/v1.1/instances';
const NOT_FOUND = 'Not found';
/** More than the limit that is still read, and dropped: else the connection would be closed before a client has read why. */
const DROPPED = 64 * 1024;
/** The server's own headers. */
const CONNECTION = /^(connection|content-length|content-type|date|keep-alive|server|te|trailer|transfer-encoding|upgrade|proxy-.*)$/i;
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
const sizeExceeded = (limit) => new Answer(413, `Request size limit exceeded (${limit}).`);
const digest = (key) => (0, node_crypto_1.createHash)('sha256').update(key).digest();
/** Who may ask. */
class Keys {
    #all;
    #of = new Map();
    constructor(keys) {
        if (typeof keys === 'object' && keys !== null && (keys instanceof Map || !(Symbol.iterator in keys))) {
            for (const [instance, own] of keys instanceof Map ? keys : Object.entries(keys))
                this.#of.set(instance, Keys.#digests(own));
            if (this.#of.size === 0)
                throw Keys.#wrong();
        }
        else {
            this.#all = Keys.#digests(keys);
        }
    }
    static #wrong() {
        return new TypeError('keys: pass a key, an iterable of keys, or an object or Map of instances to their keys; none may be empty');
    }
    static #digests(keys) {
        const isIterable = typeof keys === 'string' || (typeof keys === 'object' && keys !== null && Symbol.iterator in keys);
        const all = typeof keys === 'string' ? [keys] : isIterable ? [...keys] : [];
        if (all.length === 0 || !all.every((key) => typeof key === 'string' && key !== ''))
            throw Keys.#wrong();
        return all.map(digest);
    }
    /** Takes as long whichever key it is. */
    isOf(instance, key) {
        const asked = digest(key);
        let isOne = false;
        for (const known of this.#all ?? this.#of.get(instance) ?? [])
            isOne = (0, node_crypto_1.timingSafeEqual)(asked, known) || isOne;
        return isOne;
    }
}
/** The scripts that need no key, and their links. */
class Links {
    #links;
    constructor(scripts) {
        const wrong = () => new TypeError('public: pass an iterable of INSTANCE/NAME, or a Map of them to links of 40 hex digits');
        if (typeof scripts === 'string' || (scripts !== undefined && !(Symbol.iterator in Object(scripts))))
            throw wrong();
        this.#links = scripts instanceof Map ? scripts : new Map([...(scripts ?? [])].map((name) => [name, undefined]));
        for (const [name, link] of this.#links) {
            if (typeof name !== 'string' || !/^[^/]+\/[^/]+$/.test(name) || (link && !/^[0-9a-f]{40}$/.test(link)))
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
        return own !== undefined && (0, node_crypto_1.timingSafeEqual)(digest(own), digest(link));
    }
}
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
const ALLOWED = {
    run: 'GET, POST', public: 'GET, POST', list: 'GET', script: 'GET', traces: 'GET', trace: 'GET', reset: 'POST',
};
/** A segment of a path, decoded; undefined where it can't be, or is none. */
function segment(text) {
    try {
        const name = /[%\x80-\xff]/.test(text) ? decodeURIComponent(Buffer.from(text, 'latin1').toString()) : text;
        return name === '' || /[/\0]/.test(name) ? undefined : name;
    }
    catch {
        return undefined;
    }
}
/** The path behind the prefix of `skipped` segments. Names are decoded one by one: an escaped slash is none. */
function targetOf(url, skipped) {
    const at = url.indexOf('?');
    const path = (at < 0 ? url : url.slice(0, at)).replace(/^https?:\/\/[^/]*/i, '');
    const parts = path.split('/');
    if (parts.at(-1) === '')
        parts.pop();
    const rest = parts.slice(skipped).map(segment);
    if (rest.includes(undefined))
        return undefined;
    const [instance, endpoints, scripts, first, second, third] = rest;
    if (instance === undefined || endpoints !== 'endpoints' || scripts !== 'scripts' || rest.length > 6)
        return undefined;
    const of = (kind, name = first ?? '', id = '') => ({
        kind, name, id, path, instance,
        base: `${parts.slice(0, skipped).join('/')}/${encodeURIComponent(instance)}/endpoints/scripts/`,
        query: at < 0 ? '' : url.slice(at + 1),
    });
    if (first === undefined)
        return of('list');
    if (second === undefined)
        return of('script');
    if (third === undefined)
        return second === 'run' ? of('run') : second === 'traces' ? of('traces') : second === 'reset_link' ? of('reset') : undefined;
    if (first === 'p')
        return of('public', third, second);
    return second === 'traces' ? of('trace', first, third) : undefined;
}
/** The comment that a source begins with. */
function descriptionOf(source) {
    // A stranger wrote it: nothing here may take more than linear time.
    const text = source.trimStart();
    const block = /^--\[(=*)\[([^]*?)\]\1\]/.exec(text);
    if (block)
        return block[2].trim();
    const lines = text.split('\n').map((line) => line.trim());
    const end = lines.findIndex((line) => !line.startsWith('--'));
    return lines.slice(0, end < 0 ? lines.length : end).map((line) => line.replace(/^-- ?/, '')).join('\n').trim();
}
/** The bytes of a body. Beyond the limit none are kept. */
function read(stream, length, limit) {
    return new Promise((resolve, reject) => {
        if (length > limit + DROPPED)
            return reject(Object.assign(sizeExceeded(limit), { headers: { connection: 'close' } }));
        let chunks = [];
        let bytes = 0;
        stream.on('data', (chunk) => {
            bytes += chunk.length;
            if (bytes <= limit)
                chunks.push(chunk);
            else
                chunks = [];
            if (bytes > limit + DROPPED) {
                stream.pause();
                reject(Object.assign(sizeExceeded(limit), { headers: { connection: 'close' } }));
            }
        });
        stream.on('end', () => (bytes > limit ? reject(sizeExceeded(limit)) : resolve(Buffer.concat(chunks))));
        stream.on('error', () => reject(new Answer(400, 'The body ended early.')));
        stream.on('close', () => reject(new Answer(400, 'The body ended early.')));
    });
}
/** A body, without keys; and the key that it had. A multipart one has at most so many parts. */
async function payloadOf(body, type, parts) {
    if (body.length === 0)
        return [{}, undefined];
    const media = type.split(';', 1)[0].trim().toLowerCase();
    if (media === 'application/json' || media === 'text/plain') {
        const [post, key] = (0, payload_1.withoutSecrets)(body);
        return [{ post }, key];
    }
    const isMultipart = media === 'multipart/form-data';
    if (!isMultipart && media !== 'application/x-www-form-urlencoded')
        throw new Answer(415, `Unsupported media type "${type}" in request.`);
    const form = new payload_1.Form(isMultipart ? await (0, payload_1.multipart)(type, body, parts) : body.toString('latin1'));
    return [{ form: (0, payload_1.given)(form.text) }, Buffer.from(form.secrets.get('_api_key') ?? '', 'latin1')];
}
function json(reply, text, status = 200) {
    // Of a text Fastify would say which charset it has.
    return reply.code(status).header('content-type', 'application/json').send(typeof text === 'string' ? Buffer.from(text) : text);
}
const answer = (reply, { status, message, headers }) => json(reply.headers(headers), JSON.stringify({ detail: message }), status);
/** Of a value that isn't ASCII, UTF-8: Node writes a byte for each character. */
const headerOf = (value) => (/[^\0-\x7f]/.test(value) ? Buffer.from(value).toString('latin1') : value);
function respond(reply, { status, contentType, content, headers }) {
    if (status < 200)
        throw new Answer(502, `The script set status ${status}, which can't be sent.`);
    reply.code(status);
    for (const [name, value] of headers)
        if (!CONNECTION.test(name))
            reply.header(name, headerOf(value));
    if (status === 204 || status === 205 || status === 304)
        return reply.send();
    return reply.header('content-type', headerOf(contentType)).send(content);
}
/** What all requests of a plugin share. */
class Endpoints {
    #engine;
    #keys;
    #links;
    #rate;
    #history = new history_1.History();
    #limits;
    constructor({ engine, keys, public: scripts, rate }) {
        if (!(engine instanceof engine_1.Engine))
            throw new TypeError('engine: pass an Engine');
        this.#engine = engine;
        this.#keys = new Keys(keys);
        this.#links = new Links(scripts);
        this.#rate = rate === undefined ? undefined : new Rate(rate);
        this.#limits = engine.limits;
    }
    /** The key that a request has outside of its body. */
    #keyOf({ apiKey, authorization }, { secrets }) {
        return apiKey || secrets.get('api_key') || secrets.get('apikey') || (/^\s*\S+\s+(\S+)\s*$/.exec(authorization)?.[1] ?? '');
    }
    #assertKey(instance, key) {
        if (!this.#keys.isOf(instance, key))
            throw new Answer(403, 'No such API Key.');
    }
    #isKnown(instance) {
        for (const name of this.#engine.scripts.keys())
            if (name.startsWith(`${instance}/`))
                return true;
        return false;
    }
    async handle(request, reply, skipped) {
        const { method } = request;
        const target = targetOf(request.raw.url, skipped);
        if (!target)
            throw new Answer(404, NOT_FOUND);
        const { kind, instance, name } = target;
        const headers = new payload_1.Headers(request.raw.rawHeaders);
        const query = new payload_1.Form(target.query);
        const isRun = kind === 'run' || kind === 'public';
        const isPost = isRun && method === 'POST';
        const type = request.headers['content-type'] ?? '';
        const payloadRead = () => this.#payload(request, type);
        let payload;
        if (kind !== 'public') {
            const key = this.#keyOf(headers, query);
            if (key) {
                this.#assertKey(instance, Buffer.from(key, 'latin1'));
            }
            else {
                // What can't be read has no key.
                const [found, own] = kind === 'run' && isPost ? await payloadRead().catch(() => [undefined, undefined]) : [];
                if (!own?.length)
                    throw new Answer(403, 'You do not have permission to perform this action.');
                this.#assertKey(instance, own);
                payload = found;
            }
        }
        const full = `${instance}/${name}`;
        const script = kind === 'list' ? undefined : this.#engine.scripts.get(full);
        if (!script && kind !== 'public' && !this.#isKnown(instance))
            throw new Answer(404, 'Instance was not found.');
        if (!ALLOWED[kind].split(', ').includes(method))
            throw new Answer(405, `Method "${method}" not allowed.`, { allow: ALLOWED[kind] });
        if (kind === 'list')
            return json(reply, this.#list(target));
        if (!script || (kind === 'public' && !this.#links.isOf(full, target.id)))
            throw new Answer(404, NOT_FOUND);
        if (isRun) {
            this.#rate?.take(instance);
            if (isPost)
                payload ??= (await payloadRead())[0];
            const { meta } = headers;
            meta.PATH_INFO = segmentsOf(target.path);
            meta.REQUEST_METHOD = method;
            meta.REMOTE_ADDR = request.ip;
            meta.executed_by = 'webhook';
            meta.executor = name;
            meta.instance = instance;
            return this.#run(reply, script, full, { ...payload, query: (0, payload_1.given)(query.text), meta: JSON.stringify(meta) });
        }
        if (kind === 'reset') {
            if (this.#links.get(full) === undefined)
                throw new Answer(404, NOT_FOUND);
            this.#links.reset(full);
        }
        const traces = `${target.base}${encodeURIComponent(name)}/traces/`;
        if (kind === 'traces') {
            const objects = this.#history.list(full, (id) => `${traces}${id}/`);
            return json(reply, `{"next":null,"prev":null,"objects":[${objects.join(',')}]}`);
        }
        if (kind === 'trace') {
            const found = /^[1-9][0-9]{0,15}$/.test(target.id) && this.#history.get(full, Number(target.id), `${traces}${target.id}/`);
            if (!found)
                throw new Answer(404, NOT_FOUND);
            return json(reply, found);
        }
        return json(reply, JSON.stringify(this.#describe(target, name, script)));
    }
    async #payload(request, type) {
        const stream = request.body ?? request.raw;
        const length = Number(request.headers['content-length'] ?? 0);
        if (length === 0 && request.headers['transfer-encoding'] === undefined)
            return [{}, undefined];
        return payloadOf(await read(stream, length, this.#limits.request), type, this.#limits.parameters);
    }
    async #run(reply, script, full, request) {
        const abort = new AbortController();
        const gone = () => abort.abort();
        reply.raw.once('close', gone);
        // It may have gone while the body was read.
        if (reply.raw.destroyed)
            gone();
        const trace = await script.run(request, { signal: abort.signal }).finally(() => reply.raw.off('close', gone));
        const text = Buffer.from((0, json_1.jsonOf)(trace));
        this.#history.add(full, trace.id, text);
        const { response } = trace;
        if (trace.status === 'queue_timeout')
            return json(reply.header('retry-after', '1'), text, 503);
        return response ? respond(reply, response) : json(reply, text);
    }
    #describe({ base, instance }, name, script) {
        const self = `${base}${encodeURIComponent(name)}/`;
        const link = this.#links.get(`${instance}/${name}`);
        return {
            name,
            description: descriptionOf(script.source),
            script: script.version,
            public: link !== undefined,
            public_link: link ?? null,
            links: {
                self,
                run: `${self}run/`,
                'reset-link': `${self}reset_link/`,
                script: self,
                'public-link': link === undefined ? null : `${base}p/${link}/${encodeURIComponent(name)}/`,
                traces: `${self}traces/`,
            },
        };
    }
    #list(target) {
        const own = `${target.instance}/`;
        const objects = [...this.#engine.scripts.keys()].filter((full) => full.startsWith(own)).flatMap((full) => {
            const script = this.#engine.scripts.get(full);
            return script ? [this.#describe(target, full.slice(own.length), script)] : [];
        });
        return JSON.stringify({ next: null, prev: null, objects });
    }
}
/** A path, decoded. */
const segmentsOf = (path) => /[%\x80-\xff]/.test(path) ? decodeURIComponent(Buffer.from(path, 'latin1').toString()) : path;
/** What became of a request that can't be answered with a trace. */
function failed(error, request, reply) {
    if (error instanceof Answer)
        return answer(reply, error);
    if (error instanceof payload_1.MultipartError)
        return answer(reply, new Answer(400, `Multipart form parse error - ${error.message}`));
    if (error instanceof errors_1.PayloadError) {
        return answer(reply, new Answer(error.message.startsWith('Request size limit exceeded') ? 413 : 400, error.message));
    }
    request.log.error(error);
    return answer(reply, new Answer(error instanceof errors_1.PeriluneError ? 503 : 500, error instanceof errors_1.PeriluneError ? error.message : 'Internal server error'));
}
/** Serves the scripts of an engine, `INSTANCE/NAME`, as Syncano's Script Endpoints. */
const endpoints = async (app, options) => {
    const all = new Endpoints(options);
    const notFound = (_, reply) => answer(reply, new Answer(404, NOT_FOUND));
    // At the root, what is not found is the host's.
    if (app.prefix)
        app.setNotFoundHandler(notFound);
    await app.register(async (app) => {
        const skipped = app.prefix.split('/').length;
        const handle = (request, reply) => all.handle(request, reply, skipped).catch((error) => failed(error, request, reply));
        // Bodies are read when it is known that somebody may send one.
        app.removeAllContentTypeParsers();
        app.addContentTypeParser('*', (_, stream, done) => done(null, stream));
        // What Fastify refuses before that, such as a content type, is answered in the same words.
        app.setErrorHandler((error, request, reply) => error.code?.startsWith('FST_ERR_CTP_') ? handle(request, reply.removeHeader('connection')) : failed(error, request, reply));
        app.setNotFoundHandler(handle);
        app.all('/*', handle);
    }, { prefix: ROOT });
};
exports.default = endpoints;
/** The numbers to watch, `/metrics` and `/healthz`: for whom, is the host's to decide. */
const metrics = async (app, { engine }) => {
    if (!(engine instanceof engine_1.Engine))
        throw new TypeError('engine: pass an Engine');
    app.get('/metrics', async (_, reply) => reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(Buffer.from(engine.prometheus())));
    app.get('/healthz', async (_, reply) => json(reply, '{"status":"ok"}'));
};
exports.metrics = metrics;
