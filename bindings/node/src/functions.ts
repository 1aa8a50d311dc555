/** The host functions of engines, and what they threw. */

import { native, type Handle } from './native'
import { type FindCause } from './trace'
import { plain } from './values'

/** A function of the host. What it throws is a Lua error; a promise is waited for by the script, and not by the loop. */
export type HostFunction = (...args: any[]) => unknown

/** Those of this environment's engines, by number: what a call is looked up in. */
const all = new Map<number, WeakRef<HostFunctions>>()
const gone = new FinalizationRegistry<number>((number) => all.delete(number))
let last = 0

/** The functions of one engine. */
export class HostFunctions {
  readonly #number = ++last
  readonly #functions = new Map<string, HostFunction>()
  readonly #failures = new Map<number, { text: string; thrown: unknown }>()

  constructor() {
    all.set(this.#number, new WeakRef(this))
    gone.register(this, this.#number)
  }

  add(engine: Handle, name: string, function_: HostFunction): void {
    native.engineFunction(engine, name, this.#number)
    this.#functions.set(name, function_)
  }

  call(name: string, args: unknown[]): unknown {
    const function_ = this.#functions.get(name)
    if (!function_) throw new Error('there is no such function')
    return function_(...args)
  }

  failed(run: number, text: string, thrown: unknown): void {
    this.#failures.set(run, { text, thrown })
  }

  /** Nobody will ask for the cause. */
  forgetCause(run: number): void {
    if (this.#failures.size > 0) this.#failures.delete(run)
  }

  readonly findCause: FindCause = (trace) => {
    if (this.#failures.size === 0) return undefined
    const failure = this.#failures.get(trace.id)
    if (!failure) return undefined
    this.#failures.delete(trace.id)
    return trace.error?.message.includes(failure.text) ? failure.thrown : undefined
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** What a script is told of what was thrown, which can be anything. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown).replace(/\p{Surrogate}/gu, '\ufffd')
  } catch {
    return 'the function failed'
  }
}

native.setDispatch((number, name, run, args, isSync, waiting) => {
  const functions = all.get(number)?.deref()
  const fail = (thrown: unknown) => {
    const text = textOf(thrown)
    functions?.failed(run, `host.${name}: ${text}`, thrown)
    native.settle(waiting, true, text)
  }
  const give = (value: unknown) => {
    let result
    try {
      result = plain(value)
    } catch (thrown) {
      return fail(thrown)
    }
    native.settle(waiting, false, result)
  }
  try {
    if (!functions) throw new Error('the engine is gone')
    const value = functions.call(name, args)
    if (!isPromise(value)) return give(value)
    if (isSync) {
      // Whatever comes of it, nobody waits.
      Promise.resolve(value).catch(() => undefined)
      throw new TypeError('the function is async, and runSync waits for no promise: use run')
    }
    Promise.resolve(value).then(give, fail)
  } catch (thrown) {
    fail(thrown)
  }
})
