/** Script Endpoints for Fastify: what they answer is fixed by bindings/endpoints/README.md. */

import { type FastifyInstance, type FastifyPluginAsync, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Readable } from 'node:stream'

import { Answer, Keys, Links, Rate, type KeysOf, type Public } from './access'
import { Engine, type Script } from './engine'
import { PayloadError, PeriluneError, ScriptNotFound } from './errors'
import { History } from './history'
import { Form, given, Headers, multipart, MultipartError, quoted, withoutSecrets } from './payload'
import { serve, type Caller, type Payload } from './runs'
import { linesOf, type Response, type Trace } from './trace'

/** Where Script Endpoints come from, and who may use them. */
export interface EndpointsOptions {
  engine: Engine
  /** The keys of all instances; or of each instance its own. */
  keys: KeysOf
  /** Scripts that need no key, as `INSTANCE/NAME`; or a Map of them to links of 40 hex digits, which are filled in where they are missing. */
  public?: Public | undefined
  /** Runs a second of one instance. */
  rate?: number | undefined
}

const ROOT = '/v1.1/instances'
const NOT_FOUND = 'Not found'
/** More than the limit that is still read, and dropped: else the connection would be closed before a client has read why. */
const DROPPED = 8 * 1024 * 1024
/** The server's own headers. */
const CONNECTION = /^(connection|content-length|content-type|date|http2-settings|keep-alive|server|te|trailer|transfer-encoding|upgrade|proxy-.*)$/i

const sizeExceeded = (limit: number) => new Answer(413, `Request size limit exceeded (${limit}).`)

type Kind = 'run' | 'public' | 'list' | 'script' | 'traces' | 'trace' | 'reset'

const ALLOWED: Record<Kind, string[]> = {
  run: ['GET', 'POST'], public: ['GET', 'POST'], list: ['GET'], script: ['GET'], traces: ['GET'], trace: ['GET'], reset: ['POST'],
}

/** What a path is of. */
interface Target {
  kind: Kind
  /** The path of the instance's scripts, as in links. */
  base: string
  instance: string
  name: string
  /** The script's name in the engine. */
  full: string
  /** A public link, or a trace's number. */
  id: string
  /** What META says of it: JSON's first members, with a comma behind each, and its last. */
  meta: readonly [string, string]
}

/** A segment of a path, decoded; undefined where it can't be, or is none. */
function segment(text: string): string | undefined {
  try {
    const name = /[%\x80-\xff]/.test(text) ? decodeURIComponent(Buffer.from(text, 'latin1').toString()) : text
    return name === '' || /[/\0]/.test(name) ? undefined : name
  } catch {
    return undefined
  }
}

/** A path, decoded. */
const decodedPath = (path: string) => (/[%\x80-\xff]/.test(path) ? decodeURIComponent(Buffer.from(path, 'latin1').toString()) : path)

/** The path behind the prefix of `skipped` segments. Names are decoded one by one: an escaped slash is none. */
function targetOf(url: string, skipped: number): Target | undefined {
  const path = url.replace(/^https?:\/\/[^/]*/i, '')
  const parts = path.split('/')
  if (parts.at(-1) === '') parts.pop()
  const rest = parts.slice(skipped).map(segment)
  if (rest.includes(undefined)) return undefined
  const [instance, endpoints, scripts, first, second, third] = rest as string[]
  if (instance === undefined || endpoints !== 'endpoints' || scripts !== 'scripts' || rest.length > 6) return undefined
  const of = (kind: Kind, name = first ?? '', id = ''): Target => ({
    kind, name, id, instance,
    full: `${instance}/${name}`,
    base: `${parts.slice(0, skipped).join('/')}/${encodeURIComponent(instance)}/endpoints/scripts/`,
    meta: [
      `"PATH_INFO":${JSON.stringify(decodedPath(path))},`,
      `"executed_by":"webhook","executor":${JSON.stringify(name)},"instance":${JSON.stringify(instance)}`,
    ],
  })
  if (first === undefined) return of('list')
  if (second === undefined) return of('script')
  if (third === undefined) return second === 'run' ? of('run') : second === 'traces' ? of('traces') : second === 'reset_link' ? of('reset') : undefined
  if (second === 'traces') return of('trace', first, third)
  return first === 'p' ? of('public', third, second) : undefined
}

/** Paths that are kept, and the length of the addresses they are from: strangers choose both. */
const PATHS = 1000
const ADDRESS = 500

/** Takes apart what is before the query, which for a path that was asked for lately was done. */
function targets(skipped: number): (url: string, path: string) => Target | undefined {
  const known = new Map<string, Target>()
  return (url, path) => {
    const before = known.get(path)
    if (before) return before
    const target = targetOf(path, skipped)
    if (target && url.length <= ADDRESS) {
      if (known.size >= PATHS) known.clear()
      known.set(path, target)
    }
    return target
  }
}

/** The comment that a source begins with. */
function descriptionOf(source: string): string {
  // A stranger wrote it: nothing here may take more than linear time.
  const text = source.trimStart()
  const block = /^--\[(=*)\[([^]*?)\]\1\]/.exec(text)
  if (block) return (block[2] as string).trim()
  const lines = text.split('\n').map((line) => line.trim())
  const end = lines.findIndex((line) => !line.startsWith('--'))
  return lines.slice(0, end < 0 ? lines.length : end).map((line) => line.replace(/^-- ?/, '')).join('\n').trim()
}

/** The bytes of a body. Beyond the limit none are kept. */
function read(stream: Readable, length: number, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (length > limit + DROPPED) return reject(Object.assign(sizeExceeded(limit), { headers: { connection: 'close' } }))
    let chunks: Buffer[] = []
    let bytes = 0
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= limit) chunks.push(chunk)
      else chunks = []
      if (bytes > limit + DROPPED) {
        stream.pause()
        reject(Object.assign(sizeExceeded(limit), { headers: { connection: 'close' } }))
      }
    })
    stream.on('end', () => (bytes > limit ? reject(sizeExceeded(limit)) : resolve(Buffer.concat(chunks))))
    stream.on('error', () => reject(new Answer(400, 'The body ended early.')))
    stream.on('close', () => reject(new Answer(400, 'The body ended early.')))
  })
}

/** A body, without keys; and the key that it had. A multipart one has at most so many parts. */
async function payloadOf(body: Buffer, type: string, parts: number): Promise<[Payload, key: string | undefined]> {
  if (body.length === 0) return [{}, undefined]
  const media = (type.split(';', 1)[0] as string).trim().toLowerCase()
  if (media === 'application/json' || media === 'text/plain') {
    const [post, key] = withoutSecrets(body)
    return [{ post }, key?.toString('latin1')]
  }
  const isMultipart = media === 'multipart/form-data'
  if (!isMultipart && media !== 'application/x-www-form-urlencoded') throw new Answer(415, `Unsupported media type "${type}" in request.`)
  const form = new Form(isMultipart ? await multipart(type, body, parts) : body.toString('latin1'))
  return [{ form: given(form.text) }, form.secrets.get('_api_key')]
}

const asItIs = (text: unknown) => text as string

/** A string, not a Buffer: it is written together with the headers. With a serializer, Fastify does not say which charset it has. */
const json = (reply: FastifyReply, text: string, status = 200): FastifyReply =>
  reply.code(status).header('content-type', 'application/json').serializer(asItIs).send(text)

const answer = (reply: FastifyReply, { status, message, headers }: Answer) =>
  json(reply.headers(headers), JSON.stringify({ detail: message }), status)

/** Of a value that isn't ASCII, UTF-8: Node writes a byte for each character. */
const headerOf = (value: string) => (/[^\0-\x7f]/.test(value) ? Buffer.from(value).toString('latin1') : value)

function respond(reply: FastifyReply, { status, contentType, content, headers }: Response): FastifyReply {
  if (status < 200) throw new Answer(502, `The script set status ${status}, which can't be sent.`)
  reply.code(status)
  // Fastify keeps the last of most headers, whatever their case: those of one name go together.
  const sent = headers.filter(([name]) => !CONNECTION.test(name)).map(([name, value]) => [name.toLowerCase(), headerOf(value)] as const)
  for (const [name, value] of linesOf(sent)) reply.header(name, value)
  if (status === 204 || status === 205 || status === 304) return reply.send()
  return reply.header('content-type', headerOf(contentType)).send(content)
}

/** A request whose path is known. */
interface Asked {
  request: FastifyRequest
  reply: FastifyReply
  target: Target
  headers: Headers
  query: string
}

/** Who waits for a run. */
class Client implements Caller {
  constructor(
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
    private readonly script: string,
    private readonly history: History,
  ) {}

  get isGone(): boolean {
    // In HTTP/2 the stream says it, and not the response; one that waits for the response before it on its connection doesn't.
    const raw: { destroyed: boolean; stream?: { destroyed: boolean } } = this.reply.raw
    return raw.stream ? raw.stream.destroyed : raw.destroyed || this.request.raw.socket.destroyed
  }

  answer(text: string, id: number, trace: Trace | undefined): void {
    try {
      this.history.add(this.script, id, text)
      if (trace?.status === 'queue_timeout') json(this.reply.header('retry-after', '1'), text, 503)
      else if (trace?.response) respond(this.reply, trace.response)
      else json(this.reply, text)
    } catch (error) {
      this.fail(error)
    }
  }

  fail(error: unknown): void {
    fail(error, this.request, this.reply)
  }
}

/** What all requests of a plugin share. */
class Endpoints {
  readonly #engine: Engine
  readonly #keys: Keys
  readonly #links: Links
  readonly #rate: Rate | undefined
  readonly #history = new History()
  readonly #limits: { readonly request: number; readonly parameters: number }
  readonly #targetOf: ReturnType<typeof targets>

  constructor({ engine, keys, public: scripts, rate }: EndpointsOptions, skipped: number) {
    if (!(engine instanceof Engine)) throw new TypeError('engine: pass an Engine')
    this.#engine = engine
    this.#keys = new Keys(keys)
    this.#links = new Links(scripts)
    this.#rate = rate === undefined ? undefined : new Rate(rate)
    this.#limits = engine.limits
    this.#targetOf = targets(skipped)
  }

  /** The key that a request has outside of its body. */
  #keyOf({ apiKey, authorization }: Headers, { secrets }: Form): string {
    return apiKey || secrets.get('api_key') || secrets.get('apikey') || (/^[ \t]*[^ \t]+[ \t]+([^ \t]+)[ \t]*$/.exec(authorization)?.[1] ?? '')
  }

  #assertKey(instance: string, key: string): void {
    if (!this.#keys.isOf(instance, key)) throw new Answer(403, 'No such API Key.')
  }

  #isKnown(instance: string): boolean {
    for (const name of this.#engine.scripts.keys()) if (name.startsWith(`${instance}/`)) return true
    return false
  }

  /** Answers at once, or later: then it has a promise only where a body is read. */
  handle(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const url = request.raw.url as string
    const at = url.indexOf('?')
    const target = this.#targetOf(url, at < 0 ? url : url.slice(0, at))
    if (!target) throw new Answer(404, NOT_FOUND)
    const headers = new Headers(request.raw.rawHeaders)
    const query = new Form(at < 0 ? '' : url.slice(at + 1))
    const asked = { request, reply, target, headers, query: query.text }
    if (target.kind !== 'public') {
      const key = this.#keyOf(headers, query)
      if (!key) return this.#withKeyInBody(asked)
      this.#assertKey(target.instance, key)
    }
    return this.#handle(asked)
  }

  async #withKeyInBody(asked: Asked): Promise<void> {
    const { request, target } = asked
    // What can't be read has no key.
    const [payload, key] = target.kind === 'run' && request.method === 'POST' ? await this.#payload(request).catch(() => []) : []
    if (!key) throw new Answer(403, 'You do not have permission to perform this action.')
    this.#assertKey(target.instance, key)
    await this.#handle(asked, payload)
  }

  /** What is left to do when the key is right. */
  #handle(asked: Asked, payload?: Payload): Promise<void> | undefined {
    const { request: { method }, reply, target } = asked
    const { kind, instance, full } = target
    const isThere = kind !== 'list' && this.#engine.scripts.has(full)
    if (!isThere && kind !== 'public' && !this.#isKnown(instance)) throw new Answer(404, 'Instance was not found.')
    if (!ALLOWED[kind].includes(method)) throw new Answer(405, `Method "${method}" not allowed.`, { allow: ALLOWED[kind].join(', ') })
    if (kind !== 'run' && kind !== 'public') {
      json(reply, this.#told(target))
    } else if (!isThere || (kind === 'public' && !this.#links.isOf(full, target.id))) {
      throw new Answer(404, NOT_FOUND)
    } else {
      this.#rate?.take(instance)
      if (method === 'POST' && !payload) return this.#payload(asked.request).then(([payload]) => this.#run(asked, payload))
      this.#run(asked, payload)
    }
    return undefined
  }

  /** What is answered to all but runs: JSON. */
  #told(target: Target): string {
    const { kind, name, full } = target
    if (kind === 'list') return this.#list(target)
    const script = this.#engine.scripts.get(full)
    if (!script) throw new Answer(404, NOT_FOUND)
    if (kind === 'reset') {
      if (this.#links.get(full) === undefined) throw new Answer(404, NOT_FOUND)
      this.#links.reset(full)
    }
    const traces = `${target.base}${encodeURIComponent(name)}/traces/`
    if (kind === 'traces') {
      const objects = this.#history.list(full, (id) => `${traces}${id}/`)
      return `{"next":null,"prev":null,"objects":[${objects.join(',')}]}`
    }
    if (kind === 'trace') {
      const found = /^[1-9][0-9]{0,15}$/.test(target.id) && this.#history.get(full, Number(target.id), `${traces}${target.id}/`)
      if (!found) throw new Answer(404, NOT_FOUND)
      return found
    }
    return JSON.stringify(this.#describe(target, name, script))
  }

  async #payload(request: FastifyRequest): ReturnType<typeof payloadOf> {
    const stream = (request.body as Readable | undefined) ?? request.raw
    const length = Number(request.headers['content-length'] ?? 0)
    const isMarked = request.headers['transfer-encoding'] !== undefined || request.raw.httpVersionMajor > 1
    if (length === 0 && !isMarked) return [{}, undefined]
    const type = request.headers['content-type'] ?? ''
    return payloadOf(await read(stream, length, this.#limits.request), type, this.#limits.parameters)
  }

  #run({ request, reply, target, headers, query }: Asked, payload?: Payload): void {
    const [path, script] = target.meta
    // A Unix socket has none.
    const ip = request.ip as string | undefined
    const address = ip === undefined ? '' : `"REMOTE_ADDR":${quoted(ip)},`
    const meta = `{${headers.meta}${path}"REQUEST_METHOD":"${request.method}",${address}${script}}`
    const client = new Client(request, reply, target.full, this.#history)
    serve(this.#engine, target.full, { ...payload, query: given(query), meta }, client)
  }

  #describe({ base, instance }: Target, name: string, script: Script): object {
    const self = `${base}${encodeURIComponent(name)}/`
    const link = this.#links.get(`${instance}/${name}`)
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
    }
  }

  #list(target: Target): string {
    const own = `${target.instance}/`
    const objects = [...this.#engine.scripts.keys()].filter((full) => full.startsWith(own)).flatMap((full) => {
      const script = this.#engine.scripts.get(full)
      return script ? [this.#describe(target, full.slice(own.length), script)] : []
    })
    return JSON.stringify({ next: null, prev: null, objects })
  }
}

/** What became of a request that can't be answered with a trace. */
function failed(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Answer) return answer(reply, error)
  if (error instanceof MultipartError) return answer(reply, new Answer(400, `Multipart form parse error - ${error.message}`))
  if (error instanceof PayloadError) {
    return answer(reply, new Answer(error.message.startsWith('Request size limit exceeded') ? 413 : 400, error.message))
  }
  // It was there when the request came.
  if (error instanceof ScriptNotFound) return answer(reply, new Answer(404, NOT_FOUND))
  request.log.error(error)
  return answer(
    reply,
    error instanceof PeriluneError ? new Answer(503, error.message, { 'retry-after': '1' }) : new Answer(500, 'Internal server error'),
  )
}

/** Answers that, if anything can be sent still. Nobody is there to catch what is thrown here. */
function fail(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  try {
    failed(error, request, reply)
  } catch (error) {
    request.log.error(error)
    reply.raw.destroy()
  }
}

/** Serves the scripts of an engine, `INSTANCE/NAME`, as Syncano's Script Endpoints. */
const endpoints: FastifyPluginAsync<EndpointsOptions> = async (app, options) => {
  const notFound = (_: FastifyRequest, reply: FastifyReply) => answer(reply, new Answer(404, NOT_FOUND))
  // At the root, what is not found is the host's.
  if (app.prefix) app.setNotFoundHandler(notFound)
  await app.register(
    async (app) => {
      const all = new Endpoints(options, app.prefix.split('/').length)
      const handle = (request: FastifyRequest, reply: FastifyReply): void => {
        try {
          all.handle(request, reply)?.catch((error: unknown) => fail(error, request, reply))
        } catch (error) {
          fail(error, request, reply)
        }
      }
      // Bodies are read when it is known that somebody may send one.
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', (_, stream, done) => done(null, stream))
      // What Fastify refuses before that, such as a content type, is answered in the same words.
      app.setErrorHandler((error: Error & { code?: string }, request, reply) =>
        /^FST_ERR_(CTP_|ROUTE_MISSING_CONTENT_TYPE$)/.test(error.code ?? '')
          ? handle(request, reply.removeHeader('connection'))
          : failed(error, request, reply),
      )
      app.setNotFoundHandler(handle)
      app.all('/*', handle)
    },
    { prefix: ROOT },
  )
}

export default endpoints

/** The numbers to watch, `/metrics` and `/healthz`: for whom, is the host's to decide. */
export const metrics: FastifyPluginAsync<{ engine: Engine }> = async (app: FastifyInstance, { engine }) => {
  if (!(engine instanceof Engine)) throw new TypeError('engine: pass an Engine')
  app.get('/metrics', async (_, reply) =>
    reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(Buffer.from(engine.prometheus())),
  )
  app.get('/healthz', async (_, reply) => json(reply, '{"status":"ok"}'))
}
