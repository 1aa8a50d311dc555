/** Script Endpoints for Fastify. What they answer is the library's to decide, see bindings/endpoints/README.md: here, bytes are moved
 * between requests and its exchanges. */

import { type FastifyInstance, type FastifyPluginAsync, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Readable } from 'node:stream'

import { Engine } from './engine'
import { errorOf } from './errors'
import { native, type Answer, type Handle, type NativeError, type Next } from './native'

/** Where Script Endpoints come from, and who may use them. */
export interface EndpointsOptions {
  engine: Engine
  /** The keys of all instances; or of each instance its own. */
  keys: string | Iterable<string> | Record<string, string | Iterable<string>> | Map<string, string | Iterable<string>>
  /** Scripts that need no key, as `INSTANCE/NAME`; or a Map of them to links of 40 hex digits, which is written to where one is missing or reset. */
  public?: Iterable<string> | Map<string, string | undefined> | undefined
  /** Runs a second of one instance. */
  rate?: number | undefined
}

/** Calls the library with what the host passed. */
function checked<T>(body: () => T): T {
  try {
    return body()
  } catch (thrown) {
    const { codeName, message } = thrown as NativeError
    throw codeName === 'invalid_argument' ? new TypeError(message) : errorOf(thrown)
  }
}

/** Instances and keys in turn; undefined in place of all instances. */
function keysOf(keys: EndpointsOptions['keys']): (string | undefined)[] {
  const listed = (own: string | Iterable<string>) => (typeof own === 'string' ? [own] : [...own])
  if (typeof keys === 'string' || (Symbol.iterator in Object(keys) && !(keys instanceof Map))) {
    return listed(keys as Iterable<string>).flatMap((key) => [undefined, key])
  }
  const all = keys instanceof Map ? [...keys] : Object.entries((keys ?? {}) as Record<string, string>)
  return all.flatMap(([instance, own]) => listed(own).flatMap((key) => [instance, key]))
}

/** The Script Endpoints of an engine. An app has them by the plugin; a host that keeps them can change what is public while they serve. */
export class Endpoints {
  /** @internal */
  readonly engine: Engine
  /** @internal */
  readonly handle: Handle
  readonly #stored: Map<string, string | undefined> | undefined

  constructor({ engine, keys, public: scripts, rate }: EndpointsOptions) {
    if (!(engine instanceof Engine)) throw new TypeError('engine: pass an Engine')
    const pairs = scripts instanceof Map ? [...scripts] : [...(scripts ?? [])].map((name) => [name, undefined] as const)
    // An empty link is one that is missing.
    const given = pairs.flatMap(([name, link]) => [name, link || undefined])
    this.engine = engine
    this.handle = checked(() => native.endpointsNew(engine.handle, keysOf(keys), given, rate))
    if (!(scripts instanceof Map)) return
    this.#stored = scripts
    for (const [name, link] of this.links) if (!scripts.get(name)) scripts.set(name, link)
  }

  /** Makes a script public, as `INSTANCE/NAME`, by this link or a random one, which is returned. One that is public already gets this one. */
  publish(script: string, link?: string): string {
    checked(() => native.endpointsPublish(this.handle, script, link, true))
    return link ?? (this.links.get(script) as string)
  }

  /** Has a script need a key again. */
  unpublish(script: string): void {
    checked(() => native.endpointsPublish(this.handle, script, undefined, false))
  }

  /** The public scripts and their links, as they are now. */
  get links(): Map<string, string> {
    return new Map(native.endpointsLinks(this.handle))
  }

  /** Stores a link that is to be, where the host keeps them; why not, if it can't be. @internal */
  store(script: string, link: string): string | undefined {
    try {
      this.#stored?.set(script, link)
      return undefined
    } catch (error) {
      return String(error instanceof Error ? error.message : error)
    }
  }

  /** Has a request answered, which was mounted below so many segments of its path. @internal */
  handleRequest(request: FastifyRequest, reply: FastifyReply, depth: number): void {
    new Exchange(this, request, reply).begin(depth)
  }
}

const JSON_LINES = 'content-type\napplication/json\n'
const asItIs = (text: unknown) => text as string

/** Sends an answer. A string is written together with the headers. */
function send(reply: FastifyReply, ...[status, close, , body, lines]: Answer): FastifyReply {
  reply.code(status)
  if (close) reply.header('connection', 'close')
  if (lines === JSON_LINES) {
    reply.header('content-type', 'application/json')
  } else {
    // Fastify keeps the last of most headers: those of one name go together.
    const headers = new Map<string, string | string[]>()
    const parts = lines.split('\n')
    for (let at = 0; at + 1 < parts.length; at += 2) {
      const [name, value] = parts.slice(at, at + 2) as [string, string]
      const before = headers.get(name)
      headers.set(name, before === undefined ? value : [before, value].flat())
    }
    for (const [name, value] of headers) reply.header(name, value)
  }
  // Without a serializer, Fastify says of JSON which charset it has, and without a body it says no type.
  return body.length === 0 ? reply.send() : reply.serializer(asItIs).send(body)
}

/** How often it is looked whether clients are gone: listeners would cost each request more than most scripts do. */
const SWEEP_MS = 25

/** Those whose answer is told, each at its number. A Map would now and then be copied, and what an old copy has would live until all garbage is collected. */
const underWay: (Exchange | undefined)[] = []
let count = 0
let isSweeping = false
let isSubmitting = false

function sweep(): void {
  isSweeping = false
  for (let number = 0; number < underWay.length; number++) if (underWay[number]?.isGone) native.exchangeCancel(number)
  sweepLater()
}

function sweepLater(): void {
  if (isSweeping || count === 0) return
  isSweeping = true
  setTimeout(sweep, SWEEP_MS).unref()
}

function submit(): void {
  isSubmitting = false
  native.exchangesSubmit()
}

native.setAnswered((number, ...answer) => {
  const exchange = underWay[number]
  // A second copy of this module, as test runners make, is told of the first one's.
  if (exchange === undefined) return
  underWay[number] = undefined
  count--
  exchange.answer(answer)
})

/** A request, until it is answered. */
class Exchange {
  constructor(
    private readonly endpoints: Endpoints,
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
  ) {}

  get isGone(): boolean {
    // In HTTP/2 the stream says it, and not the response; one that waits for the response before it on its connection doesn't.
    const raw: { destroyed: boolean; stream?: { destroyed: boolean } } = this.reply.raw
    return raw.stream ? raw.stream.destroyed : raw.destroyed || this.request.raw.socket.destroyed
  }

  begin(depth: number): void {
    this.#attempt(() => {
      const { method, raw, ip } = this.request as { method: string; raw: FastifyRequest['raw']; ip: string | undefined }
      const url = raw.url as string
      const mount = depth === 0 ? '' : mountOf(url, depth)
      // A closed engine throws.
      void this.endpoints.engine.handle
      const head = `${method}\n${url}\n${mount}\n${ip ?? ''}\n${raw.rawHeaders.join('\n')}`
      this.#go(native.endpointsAsk(this.endpoints.handle, head))
    })
  }

  /** Does what is next. Nobody is there to catch what is thrown. */
  #go(next: Next): void {
    if (typeof next === 'number') {
      if (next < 0) this.#read(-1 - next)
      else this.#run(next)
    } else if (next.length === 3) {
      const [number, script, link] = next
      this.#go(native.exchangeStored(number, this.endpoints.store(script, link)))
    } else {
      this.answer(next)
    }
  }

  #run(number: number): void {
    this.#wait(number)
    // To wake a thread costs as much as a short run: those that came together are handed over together, to threads that are awake then.
    if (!isSubmitting) setImmediate(submit)
    isSubmitting = true
  }

  /** Until the answer is told. */
  #wait(number: number): void {
    underWay[number] = this
    count++
    sweepLater()
  }

  #read(number: number): void {
    const stream = (this.request.body as Readable | undefined) ?? this.request.raw
    let isRead = false
    const read = (isWhole: boolean) => {
      if (isRead) return
      isRead = true
      stream.off('data', push)
      this.#attempt(() => {
        const next = native.exchangeRead(number, isWhole)
        if (next === undefined) this.#wait(number)
        else this.#go(next)
      })
    }
    const push = (chunk: Buffer) => {
      if (native.exchangePush(number, chunk)) return
      stream.pause()
      read(true)
    }
    if (stream.readableEnded || stream.destroyed) return read(stream.readableEnded)
    stream.on('data', push)
    stream.on('end', () => read(true))
    for (const event of ['error', 'close']) stream.on(event, () => read(false))
  }

  answer(answer: Answer | []): void {
    this.#attempt(() => {
      if (answer.length === 0) throw new Error('there is no answer')
      this.endpoints.engine.functions.forgetCause(answer[2])
      send(this.reply, ...answer)
    })
  }

  #attempt(body: () => void): void {
    try {
      body()
    } catch (thrown) {
      fail(errorOf(thrown), this.reply)
    }
  }
}

/** What keeps the library from an answer. */
function fail(error: unknown, reply: FastifyReply): void {
  reply.log.error(error)
  try {
    reply.code(503).header('retry-after', '1').send({ detail: error instanceof Error ? error.message : String(error) })
  } catch {
    reply.raw.destroy()
  }
}

/** The path that endpoints are mounted below, which may have parameters. */
function mountOf(url: string, depth: number): string {
  const mount = url.replace(/^https?:\/\/[^/]*/i, '').split('/', depth + 1).join('/')
  return mount.includes('%') ? Buffer.from(decodeURIComponent(mount)).toString('latin1') : mount
}

/** Serves the scripts of an engine, `INSTANCE/NAME`, as Syncano's Script Endpoints. */
const plugin: FastifyPluginAsync<EndpointsOptions | { endpoints: Endpoints }> = async (app, options) => {
  const endpoints = 'endpoints' in options ? options.endpoints : new Endpoints(options)
  if (!(endpoints instanceof Endpoints)) throw new TypeError('endpoints: pass Endpoints')
  const depth = app.prefix.replace(/\/$/, '').split('/').length - 1
  const handle = (request: FastifyRequest, reply: FastifyReply): void => endpoints.handleRequest(request, reply, depth)
  // At the root, what is not found is the host's.
  if (app.prefix) app.setNotFoundHandler(handle)
  await app.register(
    async (app) => {
      // Bodies are read when it is known that somebody may send one.
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', (_, stream, done) => done(null, stream))
      // What Fastify refuses before that, such as a content type, is answered in the same words.
      app.setErrorHandler((error: Error & { code?: string }, request, reply) => {
        if (!/^FST_ERR_(CTP_|ROUTE_MISSING_CONTENT_TYPE$)/.test(error.code ?? '')) throw error
        handle(request, reply.removeHeader('connection'))
      })
      app.setNotFoundHandler(handle)
      app.all('/*', handle)
    },
    { prefix: '/v1.1/instances' },
  )
}

export default plugin

/** The numbers to watch, `/metrics` and `/healthz`: for whom, is the host's to decide. */
export const metrics: FastifyPluginAsync<{ engine: Engine }> = async (app: FastifyInstance, { engine }) => {
  if (!(engine instanceof Engine)) throw new TypeError('engine: pass an Engine')
  for (const path of ['/metrics', '/healthz']) {
    app.get(path, async (_, reply) => send(reply, ...native.endpointsMetrics(engine.handle, path)))
  }
}
