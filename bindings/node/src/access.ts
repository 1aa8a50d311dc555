/** Who may ask for what, and how often. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

export type KeysOf = string | Iterable<string> | Record<string, string | Iterable<string>> | Map<string, string | Iterable<string>>
export type Public = Iterable<string> | Map<string, string | undefined>

/** An answer that ends a request early. */
export class Answer extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(detail)
  }
}

/** Whatever keys are compared, as many bytes are: no time says how much of one was right. Longer ones are hashed. */
const BLOCK = 64
const HASHED = 255

/** A key, a character for each of its bytes, with its length. */
function blockOf(key: string, block = Buffer.alloc(BLOCK)): Buffer {
  block.fill(0)
  if (key.length < BLOCK) {
    block[0] = key.length
    block.write(key, 1, 'latin1')
  } else {
    block[0] = HASHED
    createHash('sha256').update(key, 'latin1').digest().copy(block, 1)
  }
  return block
}

/** Who may ask. */
export class Keys {
  readonly #all: Buffer[] | undefined
  readonly #of = new Map<string, Buffer[]>()
  readonly #asked = Buffer.alloc(BLOCK)

  constructor(keys: KeysOf) {
    if (typeof keys === 'object' && keys !== null && (keys instanceof Map || !(Symbol.iterator in keys))) {
      for (const [instance, own] of keys instanceof Map ? keys : Object.entries(keys)) this.#of.set(instance, Keys.#blocks(own))
      if (this.#of.size === 0) throw Keys.#wrong()
    } else {
      this.#all = Keys.#blocks(keys)
    }
  }

  static #wrong() {
    return new TypeError('keys: pass a key, an iterable of keys, or an object or Map of instances to their keys; none may be empty')
  }

  static #blocks(keys: unknown): Buffer[] {
    const isIterable = typeof keys === 'string' || (typeof keys === 'object' && keys !== null && Symbol.iterator in keys)
    const all: unknown[] = typeof keys === 'string' ? [keys] : isIterable ? [...(keys as Iterable<unknown>)] : []
    if (all.length === 0 || !all.every((key) => typeof key === 'string' && key !== '')) throw Keys.#wrong()
    return (all as string[]).map((key) => blockOf(Buffer.from(key).toString('latin1')))
  }

  /** Takes as long whichever key it is. The key has a character for each of its bytes. */
  isOf(instance: string, key: string): boolean {
    const asked = blockOf(key, this.#asked)
    let isOne = false
    for (const known of this.#all ?? this.#of.get(instance) ?? []) isOne = timingSafeEqual(asked, known) || isOne
    return isOne
  }
}

/** The scripts that need no key, and their links. */
export class Links {
  readonly #links: Map<string, string | undefined>

  constructor(scripts: Public | undefined) {
    const wrong = () => new TypeError('public: pass an iterable of INSTANCE/NAME, or a Map of them to links of 40 hex digits')
    if (typeof scripts === 'string' || (scripts !== undefined && !(Symbol.iterator in Object(scripts)))) throw wrong()
    this.#links = scripts instanceof Map ? scripts : new Map([...(scripts ?? [])].map((name) => [name, undefined]))
    for (const [name, link] of this.#links) {
      if (typeof name !== 'string' || !/^[^/]+\/[^/]+$/.test(name)) throw wrong()
      if (!link) this.reset(name)
      else if (typeof link !== 'string' || !/^[0-9a-f]{40}$/.test(link)) throw wrong()
    }
  }

  get(script: string): string | undefined {
    return this.#links.has(script) ? this.#links.get(script) || this.reset(script) : undefined
  }

  reset(script: string): string {
    const link = randomBytes(20).toString('hex')
    this.#links.set(script, link)
    return link
  }

  isOf(script: string, link: string): boolean {
    const own = this.get(script)
    const asked = Buffer.from(link)
    return own !== undefined && asked.length === own.length && timingSafeEqual(Buffer.from(own), asked)
  }
}

/** So many runs a second of each instance, and as many at once. */
export class Rate {
  readonly #of = new Map<string, { tokens: number; at: number }>()
  readonly #most: number

  constructor(private readonly rate: number) {
    if (!(typeof rate === 'number' && rate > 0)) throw new TypeError('rate: pass a number of runs a second above 0')
    this.#most = Math.max(1, rate)
  }

  take(instance: string): void {
    const now = performance.now()
    const bucket = this.#of.get(instance) ?? { tokens: this.#most, at: now }
    bucket.tokens = Math.min(this.#most, bucket.tokens + ((now - bucket.at) / 1000) * this.rate)
    bucket.at = now
    this.#of.set(instance, bucket)
    if (bucket.tokens < 1) {
      const wait = Math.max(1, Math.ceil((1 - bucket.tokens) / this.rate))
      throw new Answer(429, 'Request was throttled.', { 'retry-after': String(wait) })
    }
    bucket.tokens--
  }
}

