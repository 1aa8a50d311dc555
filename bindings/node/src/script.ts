import { errorOf, PeriluneError } from './errors'
import { native, type Handle, type NativeOptions, type Text } from './native'
import { Trace, type FindCause } from './trace'
import { jsonText, nanoseconds, paramsOf, size, type Json, type Size } from './values'

/** What a script is given. Limits only lower the engine's. */
export interface RunRequest {
  /** The raw query, without the `?`. */
  query?: Text | undefined
  /** Parameters in place of a query. */
  get?: Record<string, string | number | boolean | bigint> | URLSearchParams | undefined
  /** The body: an object, or JSON as a string or Buffer. */
  post?: Json | undefined
  /** The body, an urlencoded form. */
  form?: Text | undefined
  /** The host's settings, `CONFIG`. */
  config?: Json | undefined
  /** What the host knows of the request, `META`. */
  meta?: Json | undefined
  /** Makes `math.random` repeat. */
  seed?: number | bigint | undefined
  /** Milliseconds. */
  timeout?: number | undefined
  memory?: Size | undefined
  /** Of stdout and stderr, each. */
  output?: Size | undefined
  /** For whom the run is: a worker process serves one tenant only, and runs without one share theirs. */
  tenant?: Text | undefined
}

/** What goes with an asynchronous run. */
export interface RunOptions {
  /** Cancels the run: its trace then says `cancelled`. */
  signal?: AbortSignal | undefined
}

/** What goes with a batch. */
export interface BatchOptions extends RunOptions {
  /** Told after each run. */
  onProgress?: ((done: number, total: number) => void) | undefined
}

const KNOWN = new Set(['query', 'get', 'post', 'form', 'config', 'meta', 'seed', 'timeout', 'memory', 'output', 'tenant'])

/** What a script knows of the engine that it belongs to. */
export interface Owner {
  /** How many VMs there may be. */
  readonly poolSize: number
  /** @internal */
  assertOpen(): void
  /** @internal */
  readonly functions: { readonly findCause: FindCause }
}

/** What can be run: all of a `Script` but its engine's type, which is made of scripts itself. */
export class Runnable {
  readonly #handle: Handle
  #info: [name: string, version: number, hash: string, source: string] | undefined

  /** @internal */
  constructor(
    /** The engine that it belongs to. */
    readonly engine: Owner,
    handle: Handle,
  ) {
    this.#handle = handle
  }

  get #known(): [name: string, version: number, hash: string, source: string] {
    return (this.#info ??= native.scriptInfo(this.#handle))
  }

  /** The name that it was compiled with. */
  get name(): string {
    return this.#known[0]
  }

  /** Which version of its name it is: counted from 1 for named scripts. */
  get version(): number {
    return this.#known[1]
  }

  /** The SHA-256 of its source, in hex. */
  get hash(): string {
    return this.#known[2]
  }

  /** What it was compiled from. */
  get source(): string {
    return this.#known[3]
  }

  /** Runs it on this thread, which waits: what comes of it is in the trace, errors of the script included. */
  runSync(request: RunRequest = {}): Trace {
    this.engine.assertOpen()
    const { query, post } = request
    try {
      const raw = isFast(request)
        ? native.runSync(this.#handle, query, post as Text)
        : native.runSync(this.#handle, query, jsonText(post, 'post'), request.form, jsonText(request.meta, 'meta'), optionsOf(request, undefined))
      return new Trace(raw, this.engine.functions.findCause)
    } catch (thrown) {
      throw errorOf(thrown)
    }
  }

  /** Runs it on one of the engine's own threads. */
  async run(request: RunRequest = {}, options?: RunOptions): Promise<Trace> {
    this.engine.assertOpen()
    const { query, post } = request
    const cancel = options?.signal && Cancel.of(options.signal)
    try {
      const raw = !cancel && isFast(request)
        ? native.run(this.#handle, query, post as Text)
        : native.run(this.#handle, query, jsonText(post, 'post'), request.form, jsonText(request.meta, 'meta'), optionsOf(request, cancel?.handle))
      return new Trace(await raw, this.engine.functions.findCause)
    } catch (thrown) {
      throw errorOf(thrown)
    } finally {
      cancel?.release()
    }
  }

  /**
   * Runs it once for each request, as many at once as the engine has VMs, and resolves to what came of them in their order: a trace,
   * or the `PeriluneError` that kept a run from beginning. What one run does changes no other's result.
   */
  async runBatch(requests: Iterable<RunRequest>, options: BatchOptions = {}): Promise<(Trace | PeriluneError)[]> {
    const all = [...requests]
    const results = new Array<Trace | PeriluneError>(all.length)
    let next = 0
    let done = 0
    // As many as there are VMs: more would wait for one, and no longer than the engine lets a run wait.
    const workers = Array.from({ length: Math.min(all.length, this.engine.poolSize) }, async () => {
      while (next < all.length) {
        const index = next++
        try {
          results[index] = await this.run(all[index], options).catch((error: unknown) => {
            if (error instanceof PeriluneError) return error
            throw error
          })
          options.onProgress?.(++done, all.length)
        } catch (error) {
          next = all.length
          throw error
        }
      }
    })
    await Promise.all(workers)
    return results
  }
}

/** What ends the runs of a signal: one for all of them, with one listener, for as long as there are some. */
class Cancel {
  static readonly #all = new WeakMap<AbortSignal, Cancel>()
  readonly handle = native.cancelNew()
  readonly #abort = () => native.cancelNow(this.handle)
  #runs = 0

  private constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', this.#abort, { once: true })
    if (signal.aborted) this.#abort()
  }

  static of(signal: AbortSignal): Cancel {
    let cancel = Cancel.#all.get(signal)
    if (!cancel) {
      cancel = new Cancel(signal)
      Cancel.#all.set(signal, cancel)
    }
    cancel.#runs++
    return cancel
  }

  release(): void {
    if (--this.#runs > 0) return
    this.signal.removeEventListener('abort', this.#abort)
    Cancel.#all.delete(this.signal)
  }
}

/** Whether nothing but a query and a body that are texts is given. */
function isFast(request: RunRequest): boolean {
  for (const key in request) {
    if (key !== 'query' && key !== 'post' && request[key as keyof RunRequest] !== undefined) return false
  }
  const { post } = request
  return post === undefined || typeof post === 'string' || post instanceof Uint8Array
}

function optionsOf(request: RunRequest, cancel: Handle | undefined): NativeOptions {
  for (const key in request) {
    if (!KNOWN.has(key)) throw new TypeError(`a request has no ${key}`)
  }
  if (request.query !== undefined && request.get !== undefined) throw new TypeError('pass query or get, not both')
  if (request.post !== undefined && request.form !== undefined) throw new TypeError('pass post or form, not both')
  const { seed } = request
  if (typeof seed === 'number' && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw new RangeError('seed: pass an integer from 0 on, or a BigInt')
  }
  return [
    jsonText(request.config, 'config'),
    paramsOf(request.get),
    seed,
    nanoseconds(request.timeout, 'timeout'),
    size(request.memory, 'memory'),
    size(request.output, 'output'),
    cancel,
    request.tenant,
  ]
}
