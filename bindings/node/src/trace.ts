import { PeriluneError } from './errors'
import { native } from './native'

/** How a run ended. */
export type Status = 'success' | 'failure' | 'timeout' | 'memory_limit' | 'cancelled' | 'queue_timeout' | 'crashed'

/** What kind of error ended a run. */
export type ErrorKind =
  | 'runtime' | 'value' | 'host_calls' | 'host' | 'timeout' | 'memory_limit' | 'cancelled' | 'queue_timeout' | 'crashed'

const STATUSES = native.statuses as Status[]
const KINDS = native.errorKinds as (ErrorKind | '')[]

/** The error that ended a run. */
export interface ScriptError {
  readonly kind: ErrorKind
  readonly message: string
  /** The script in which it was raised; undefined when none was running. */
  readonly script: string | undefined
  /** The line there, from 1. */
  readonly line: number | undefined
  /** The chain of calls, innermost first, a line each. */
  readonly traceback: string
}

/** The HTTP response that a script asked for, safe to send as it is. */
export interface Response {
  /** 100 to 599. */
  readonly status: number
  readonly contentType: string
  readonly content: Buffer
  /** A pair for each line, in the order of the names: a name for which the script gave a list has several. */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** What a run used. */
export interface Usage {
  /** The highest known growth of the VM's heap. */
  readonly memoryBytes: number
  /** Calls of host functions. */
  readonly hostCalls: number
  /** Waiting for a VM. */
  readonly queuedNs: number
  /** Waiting for host functions, where the run took no thread meanwhile. */
  readonly waitedNs: number
}

/** A trace as Syncano's clients know it. */
export interface TraceJson {
  status: Status
  duration: number
  result: { stderr: string; stdout: string; stdout_truncated?: true; stderr_truncated?: true; value?: unknown; response?: object }
  executed_at: string
  id: number
  duration_ns: number
  error?: object
  script: string
  version: number
  usage: { memory_bytes: number; host_calls?: number; queued_ns?: number; waited_ns?: number }
}

// Where the addon put what: see `pack` there.
const AT = { line: 4, id: 8, executedAt: 16, duration: 24, queued: 32, memory: 40, calls: 48, version: 56, response: 64, headers: 68, waited: 108 }
const LENGTHS = 72
const TEXTS = 120
const ABSENT = 0xffffffff
const enum Field { stdout, stderr, script, value, message, errorScript, traceback, contentType, content }

/** What a host function threw in a run, if it is what ended it. */
export type FindCause = (trace: Trace) => unknown

/** What a run hands back. A field is made when it is read. */
export class Trace {
  readonly #raw: string
  readonly #cause: unknown
  #value: unknown

  /** @internal */
  constructor(raw: string, findCause?: FindCause) {
    this.#raw = raw
    this.#cause = findCause?.(this)
  }

  #u32(at: number): number {
    const raw = this.#raw
    return (
      (raw.charCodeAt(at) | (raw.charCodeAt(at + 1) << 8) | (raw.charCodeAt(at + 2) << 16) | (raw.charCodeAt(at + 3) << 24)) >>> 0
    )
  }

  #u64(at: number): number {
    return this.#u32(at + 4) * 0x100000000 + this.#u32(at)
  }

  /** A text's bytes, a character each. */
  #bytes(field: Field): string | undefined {
    const len = this.#u32(LENGTHS + 4 * field)
    if (len === ABSENT) return undefined
    let begin = TEXTS
    for (let before = 0; before < field; before++) {
      const other = this.#u32(LENGTHS + 4 * before)
      if (other !== ABSENT) begin += other
    }
    return this.#raw.slice(begin, begin + len)
  }

  #text(field: Field): string | undefined {
    const bytes = this.#bytes(field)
    return bytes === undefined ? undefined : textOf(bytes)
  }

  get status(): Status {
    return STATUSES[this.#raw.charCodeAt(0)] as Status
  }

  /** Whether the status is `success`. */
  get ok(): boolean {
    return this.#raw.charCodeAt(0) === 0
  }

  /** 1, 2, 3 … per engine. */
  get id(): number {
    return this.#u64(AT.id)
  }

  /** When the run began, to the millisecond. */
  get executedAt(): Date {
    return new Date(Math.floor(this.#u64(AT.executedAt) / 1e3))
  }

  /** Milliseconds, rounded down. */
  get duration(): number {
    return Math.floor(this.durationNs / 1e6)
  }

  /** Nanoseconds. */
  get durationNs(): number {
    return this.#u64(AT.duration)
  }

  /** What the script printed, as text; what is not UTF-8 is U+FFFD. */
  get stdout(): string {
    return this.#text(Field.stdout) as string
  }

  /** What the script printed, to the byte. */
  get stdoutBytes(): Buffer {
    return Buffer.from(this.#bytes(Field.stdout) as string, 'latin1')
  }

  /** What the script wrote to stderr, and then the uncaught error. */
  get stderr(): string {
    return this.#text(Field.stderr) as string
  }

  /** The same to the byte. */
  get stderrBytes(): Buffer {
    return Buffer.from(this.#bytes(Field.stderr) as string, 'latin1')
  }

  /** Whether output past the limit was dropped. */
  get stdoutTruncated(): boolean {
    return this.#raw.charCodeAt(2) !== 0
  }

  /** Whether output past the limit was dropped; the uncaught error never is. */
  get stderrTruncated(): boolean {
    return this.#raw.charCodeAt(3) !== 0
  }

  /** What the script returned, from JSON: undefined for nothing, the value for one, an array for several. */
  get value(): any {
    if (this.#value === undefined) {
      const text = this.#text(Field.value)
      if (text !== undefined) this.#value = JSON.parse(text)
    }
    return this.#value
  }

  /** What the script gave to `set_response`. */
  get response(): Response | undefined {
    const status = this.#u32(AT.response)
    if (status === 0) return undefined
    const headers: [string, string][] = []
    let at = this.#raw.length - this.#u32(AT.headers)
    while (at < this.#raw.length) {
      const name = at + 8
      const value = name + this.#u32(at)
      const end = value + this.#u32(at + 4)
      headers.push([this.#raw.slice(name, value), textOf(this.#raw.slice(value, end))])
      at = end
    }
    return {
      status,
      contentType: this.#text(Field.contentType) as string,
      content: Buffer.from(this.#bytes(Field.content) as string, 'latin1'),
      headers,
    }
  }

  /** The error that ended the run; undefined after a success. */
  get error(): ScriptError | undefined {
    const kind = KINDS[this.#raw.charCodeAt(1)]
    if (!kind) return undefined
    return {
      kind,
      message: this.#text(Field.message) as string,
      script: this.#text(Field.errorScript),
      line: this.#u32(AT.line) || undefined,
      traceback: this.#text(Field.traceback) as string,
    }
  }

  /** The name of the script that ran. */
  get script(): string {
    return this.#text(Field.script) as string
  }

  /** The version of that script. */
  get version(): number {
    return this.#u64(AT.version)
  }

  /** What the run used. */
  get usage(): Usage {
    return { memoryBytes: this.#u64(AT.memory), hostCalls: this.#u64(AT.calls), queuedNs: this.#u64(AT.queued), waitedNs: this.#u64(AT.waited) }
  }

  /** Throws a `RunError` when the run did not succeed. */
  throwIfFailed(): this {
    const error = this.error
    if (error) {
      const options = this.#cause === undefined ? {} : { cause: this.#cause }
      throw new RunError(error.message, error.kind, error.script, error.line, error.traceback, this, options)
    }
    return this
  }

  /** The trace as Syncano's clients know it: what `JSON.stringify` writes. */
  toJSON(): TraceJson {
    return JSON.parse(this.json) as TraceJson
  }

  /** The same as one line, as the engine writes it: JavaScript spells numbers in another way. @internal */
  get json(): string {
    return native.traceJson(this.#raw)
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Trace ${this.id} of ${this.script}: ${this.status}, ${(this.durationNs / 1e6).toFixed(3)} ms`
  }
}

/**
 * A run that did not succeed, thrown by `Trace.throwIfFailed`. The message is that of the error in the script; what a host function
 * threw, and the script did not catch, is the `cause`.
 */
export class RunError extends PeriluneError {
  override name = 'RunError'
  constructor(
    message: string,
    readonly kind: ErrorKind,
    /** The script in which it was raised. */
    readonly script: string | undefined,
    /** The line there, from 1. */
    readonly line: number | undefined,
    /** The chain of calls in the script, innermost first. */
    readonly traceback: string,
    readonly trace: Trace,
    options: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Bytes, a character each, as text. */
function textOf(bytes: string): string {
  // Nearly all is ASCII, which is itself.
  return /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString() : bytes
}
