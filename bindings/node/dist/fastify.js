"use strict";
/** Script Endpoints for Fastify: what they answer is fixed by bindings/endpoints/README.md. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.metrics = void 0;
const access_1 = require("./access");
const engine_1 = require("./engine");
const errors_1 = require("./errors");
const history_1 = require("./history");
const payload_1 = require("./payload");
const runs_1 = require("./runs");
const trace_1 = require("./trace");
const ROOT = '/v1.1/instances';
const NOT_FOUND = 'Not found';
/** More than the limit that is still read, and dropped: else the connection would be closed before a client has read why. */
const DROPPED = 8 * 1024 * 1024;
/** The server's own headers. */
const CONNECTION = /^(connection|content-length|content-type|date|http2-settings|keep-alive|server|te|trailer|transfer-encoding|upgrade|proxy-.*)$/i;
const sizeExceeded = (limit) => new access_1.Answer(413, `Request size limit exceeded (${limit}).`);
const ALLOWED = {
    run: ['GET', 'POST'], public: ['GET', 'POST'], list: ['GET'], script: ['GET'], traces: ['GET'], trace: ['GET'], reset: ['POST'],
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
/** A path, decoded. */
const decodedPath = (path) => (/[%\x80-\xff]/.test(path) ? decodeURIComponent(Buffer.from(path, 'latin1').toString()) : path);
/** The path behind the prefix of `skipped` segments. Names are decoded one by one: an escaped slash is none. */
function targetOf(url, skipped) {
    const path = url.replace(/^https?:\/\/[^/]*/i, '');
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
        kind, name, id, instance,
        full: `${instance}/${name}`,
        base: `${parts.slice(0, skipped).join('/')}/${encodeURIComponent(instance)}/endpoints/scripts/`,
        meta: [
            `"PATH_INFO":${JSON.stringify(decodedPath(path))},`,
            `"executed_by":"webhook","executor":${JSON.stringify(name)},"instance":${JSON.stringify(instance)}`,
        ],
    });
    if (first === undefined)
        return of('list');
    if (second === undefined)
        return of('script');
    if (third === undefined)
        return second === 'run' ? of('run') : second === 'traces' ? of('traces') : second === 'reset_link' ? of('reset') : undefined;
    if (second === 'traces')
        return of('trace', first, third);
    return first === 'p' ? of('public', third, second) : undefined;
}
/** Paths that are kept, and the length of the addresses they are from: strangers choose both. */
const PATHS = 1000;
const ADDRESS = 500;
/** Takes apart what is before the query, which for a path that was asked for lately was done. */
function targets(skipped) {
    const known = new Map();
    return (url, path) => {
        const before = known.get(path);
        if (before)
            return before;
        const target = targetOf(path, skipped);
        if (target && url.length <= ADDRESS) {
            if (known.size >= PATHS)
                known.clear();
            known.set(path, target);
        }
        return target;
    };
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
        stream.on('error', () => reject(new access_1.Answer(400, 'The body ended early.')));
        stream.on('close', () => reject(new access_1.Answer(400, 'The body ended early.')));
    });
}
/** A body, without keys; and the key that it had. A multipart one has at most so many parts. */
async function payloadOf(body, type, parts) {
    if (body.length === 0)
        return [{}, undefined];
    const media = type.split(';', 1)[0].trim().toLowerCase();
    if (media === 'application/json' || media === 'text/plain') {
        const [post, key] = (0, payload_1.withoutSecrets)(body);
        return [{ post }, key?.toString('latin1')];
    }
    const isMultipart = media === 'multipart/form-data';
    if (!isMultipart && media !== 'application/x-www-form-urlencoded')
        throw new access_1.Answer(415, `Unsupported media type "${type}" in request.`);
    const form = new payload_1.Form(isMultipart ? await (0, payload_1.multipart)(type, body, parts) : body.toString('latin1'));
    return [{ form: (0, payload_1.given)(form.text) }, form.secrets.get('_api_key')];
}
const asItIs = (text) => text;
/** A string, not a Buffer: it is written together with the headers. With a serializer, Fastify does not say which charset it has. */
const json = (reply, text, status = 200) => reply.code(status).header('content-type', 'application/json').serializer(asItIs).send(text);
const answer = (reply, { status, message, headers }) => json(reply.headers(headers), JSON.stringify({ detail: message }), status);
/** Of a value that isn't ASCII, UTF-8: Node writes a byte for each character. */
const headerOf = (value) => (/[^\0-\x7f]/.test(value) ? Buffer.from(value).toString('latin1') : value);
function respond(reply, { status, contentType, content, headers }) {
    if (status < 200)
        throw new access_1.Answer(502, `The script set status ${status}, which can't be sent.`);
    reply.code(status);
    // Fastify keeps the last of most headers, whatever their case: those of one name go together.
    const sent = headers.filter(([name]) => !CONNECTION.test(name)).map(([name, value]) => [name.toLowerCase(), headerOf(value)]);
    for (const [name, value] of (0, trace_1.linesOf)(sent))
        reply.header(name, value);
    if (status === 204 || status === 205 || status === 304)
        return reply.send();
    return reply.header('content-type', headerOf(contentType)).send(content);
}
/** Who waits for a run. */
class Client {
    request;
    reply;
    script;
    history;
    constructor(request, reply, script, history) {
        this.request = request;
        this.reply = reply;
        this.script = script;
        this.history = history;
    }
    get isGone() {
        // In HTTP/2 the stream says it, and not the response; one that waits for the response before it on its connection doesn't.
        const raw = this.reply.raw;
        return raw.stream ? raw.stream.destroyed : raw.destroyed || this.request.raw.socket.destroyed;
    }
    answer(text, id, trace) {
        try {
            this.history.add(this.script, id, text);
            if (trace?.status === 'queue_timeout')
                json(this.reply.header('retry-after', '1'), text, 503);
            else if (trace?.response)
                respond(this.reply, trace.response);
            else
                json(this.reply, text);
        }
        catch (error) {
            this.fail(error);
        }
    }
    fail(error) {
        fail(error, this.request, this.reply);
    }
}
/** What all requests of a plugin share. */
class Endpoints {
    #engine;
    #keys;
    #links;
    #rate;
    #history = new history_1.History();
    #limits;
    #targetOf;
    constructor({ engine, keys, public: scripts, rate }, skipped) {
        if (!(engine instanceof engine_1.Engine))
            throw new TypeError('engine: pass an Engine');
        this.#engine = engine;
        this.#keys = new access_1.Keys(keys);
        this.#links = new access_1.Links(scripts);
        this.#rate = rate === undefined ? undefined : new access_1.Rate(rate);
        this.#limits = engine.limits;
        this.#targetOf = targets(skipped);
    }
    /** The key that a request has outside of its body. */
    #keyOf({ apiKey, authorization }, { secrets }) {
        return apiKey || secrets.get('api_key') || secrets.get('apikey') || (/^[ \t]*[^ \t]+[ \t]+([^ \t]+)[ \t]*$/.exec(authorization)?.[1] ?? '');
    }
    #assertKey(instance, key) {
        if (!this.#keys.isOf(instance, key))
            throw new access_1.Answer(403, 'No such API Key.');
    }
    #isKnown(instance) {
        for (const name of this.#engine.scripts.keys())
            if (name.startsWith(`${instance}/`))
                return true;
        return false;
    }
    /** Answers at once, or later: then it has a promise only where a body is read. */
    handle(request, reply) {
        const url = request.raw.url;
        const at = url.indexOf('?');
        const target = this.#targetOf(url, at < 0 ? url : url.slice(0, at));
        if (!target)
            throw new access_1.Answer(404, NOT_FOUND);
        const headers = new payload_1.Headers(request.raw.rawHeaders);
        const query = new payload_1.Form(at < 0 ? '' : url.slice(at + 1));
        const asked = { request, reply, target, headers, query: query.text };
        if (target.kind !== 'public') {
            const key = this.#keyOf(headers, query);
            if (!key)
                return this.#withKeyInBody(asked);
            this.#assertKey(target.instance, key);
        }
        return this.#handle(asked);
    }
    async #withKeyInBody(asked) {
        const { request, target } = asked;
        // What can't be read has no key.
        const [payload, key] = target.kind === 'run' && request.method === 'POST' ? await this.#payload(request).catch(() => []) : [];
        if (!key)
            throw new access_1.Answer(403, 'You do not have permission to perform this action.');
        this.#assertKey(target.instance, key);
        await this.#handle(asked, payload);
    }
    /** What is left to do when the key is right. */
    #handle(asked, payload) {
        const { request: { method }, reply, target } = asked;
        const { kind, instance, full } = target;
        const isThere = kind !== 'list' && this.#engine.scripts.has(full);
        if (!isThere && kind !== 'public' && !this.#isKnown(instance))
            throw new access_1.Answer(404, 'Instance was not found.');
        if (!ALLOWED[kind].includes(method))
            throw new access_1.Answer(405, `Method "${method}" not allowed.`, { allow: ALLOWED[kind].join(', ') });
        if (kind !== 'run' && kind !== 'public') {
            json(reply, this.#told(target));
        }
        else if (!isThere || (kind === 'public' && !this.#links.isOf(full, target.id))) {
            throw new access_1.Answer(404, NOT_FOUND);
        }
        else {
            this.#rate?.take(instance);
            if (method === 'POST' && !payload)
                return this.#payload(asked.request).then(([payload]) => this.#run(asked, payload));
            this.#run(asked, payload);
        }
        return undefined;
    }
    /** What is answered to all but runs: JSON. */
    #told(target) {
        const { kind, name, full } = target;
        if (kind === 'list')
            return this.#list(target);
        const script = this.#engine.scripts.get(full);
        if (!script)
            throw new access_1.Answer(404, NOT_FOUND);
        if (kind === 'reset') {
            if (this.#links.get(full) === undefined)
                throw new access_1.Answer(404, NOT_FOUND);
            this.#links.reset(full);
        }
        const traces = `${target.base}${encodeURIComponent(name)}/traces/`;
        if (kind === 'traces') {
            const objects = this.#history.list(full, (id) => `${traces}${id}/`);
            return `{"next":null,"prev":null,"objects":[${objects.join(',')}]}`;
        }
        if (kind === 'trace') {
            const found = /^[1-9][0-9]{0,15}$/.test(target.id) && this.#history.get(full, Number(target.id), `${traces}${target.id}/`);
            if (!found)
                throw new access_1.Answer(404, NOT_FOUND);
            return found;
        }
        return JSON.stringify(this.#describe(target, name, script));
    }
    async #payload(request) {
        const stream = request.body ?? request.raw;
        const length = Number(request.headers['content-length'] ?? 0);
        const isMarked = request.headers['transfer-encoding'] !== undefined || request.raw.httpVersionMajor > 1;
        if (length === 0 && !isMarked)
            return [{}, undefined];
        const type = request.headers['content-type'] ?? '';
        return payloadOf(await read(stream, length, this.#limits.request), type, this.#limits.parameters);
    }
    #run({ request, reply, target, headers, query }, payload) {
        const [path, script] = target.meta;
        // A Unix socket has none.
        const ip = request.ip;
        const address = ip === undefined ? '' : `"REMOTE_ADDR":${(0, payload_1.quoted)(ip)},`;
        const meta = `{${headers.meta}${path}"REQUEST_METHOD":"${request.method}",${address}${script}}`;
        const client = new Client(request, reply, target.full, this.#history);
        (0, runs_1.serve)(this.#engine, target.full, { ...payload, query: (0, payload_1.given)(query), meta }, client);
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
/** What became of a request that can't be answered with a trace. */
function failed(error, request, reply) {
    if (error instanceof access_1.Answer)
        return answer(reply, error);
    if (error instanceof payload_1.MultipartError)
        return answer(reply, new access_1.Answer(400, `Multipart form parse error - ${error.message}`));
    if (error instanceof errors_1.PayloadError) {
        return answer(reply, new access_1.Answer(error.message.startsWith('Request size limit exceeded') ? 413 : 400, error.message));
    }
    // It was there when the request came.
    if (error instanceof errors_1.ScriptNotFound)
        return answer(reply, new access_1.Answer(404, NOT_FOUND));
    request.log.error(error);
    return answer(reply, error instanceof errors_1.PeriluneError ? new access_1.Answer(503, error.message, { 'retry-after': '1' }) : new access_1.Answer(500, 'Internal server error'));
}
/** Answers that, if anything can be sent still. Nobody is there to catch what is thrown here. */
function fail(error, request, reply) {
    try {
        failed(error, request, reply);
    }
    catch (error) {
        request.log.error(error);
        reply.raw.destroy();
    }
}
/** Serves the scripts of an engine, `INSTANCE/NAME`, as Syncano's Script Endpoints. */
const endpoints = async (app, options) => {
    const notFound = (_, reply) => answer(reply, new access_1.Answer(404, NOT_FOUND));
    // At the root, what is not found is the host's.
    if (app.prefix)
        app.setNotFoundHandler(notFound);
    await app.register(async (app) => {
        const all = new Endpoints(options, app.prefix.split('/').length);
        const handle = (request, reply) => {
            try {
                all.handle(request, reply)?.catch((error) => fail(error, request, reply));
            }
            catch (error) {
                fail(error, request, reply);
            }
        };
        // Bodies are read when it is known that somebody may send one.
        app.removeAllContentTypeParsers();
        app.addContentTypeParser('*', (_, stream, done) => done(null, stream));
        // What Fastify refuses before that, such as a content type, is answered in the same words.
        app.setErrorHandler((error, request, reply) => /^FST_ERR_(CTP_|ROUTE_MISSING_CONTENT_TYPE$)/.test(error.code ?? '')
            ? handle(request, reply.removeHeader('connection'))
            : failed(error, request, reply));
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
