/** Runs of named scripts for a host that serves many: none has a promise, a signal or an object of the addon's to itself. */

import { type Engine } from './engine'
import { errorOf, ScriptNotFound } from './errors'
import { native, type Text } from './native'
import { Trace } from './trace'

/** Who waits for a run. What is called here must not throw. */
export interface Caller {
  readonly isGone: boolean
  /** The trace is there when it has a response, or no VM came free. */
  answer(json: string, id: number, trace: Trace | undefined): void
  fail(error: unknown): void
}

/** How often it is looked whether callers are gone: listeners would cost each run more than most scripts do. */
const SWEEP_MS = 25

interface Run {
  readonly engine: Engine
  readonly name: string
  payload: Payload | undefined
  readonly caller: Caller
}

/** Each at its number. A Map would now and then be copied, and what an old copy has would live until all garbage is collected. */
const underWay: (Run | undefined)[] = []
let count = 0
let isSweeping = false

function sweep(): void {
  isSweeping = false
  for (let run = 0; run < underWay.length; run++) if (underWay[run]?.caller.isGone) native.serveCancel(run)
  sweepLater()
}

function sweepLater(): void {
  if (isSweeping || count === 0) return
  isSweeping = true
  setTimeout(sweep, SWEEP_MS).unref()
}

native.setServed((run, id, json, raw, error) => {
  const known = underWay[run]
  // A second copy of this module, as test runners make, is told of the first one's.
  if (known === undefined) return
  const { engine, caller } = known
  underWay[run] = undefined
  count--
  if (error !== undefined || json === undefined) return caller.fail(errorOf(error))
  if (raw === undefined) engine.functions.forgetCause(id as number)
  caller.answer(json, id as number, raw === undefined ? undefined : new Trace(raw, engine.functions.findCause))
})

/** What a script is given: all but the query as JSON, or a form. */
export interface Payload {
  query?: Text | undefined
  post?: Text | undefined
  form?: Text | undefined
  meta?: Text | undefined
}

let begun: Run[] = []

/** Has a script run, which ends when its caller is gone. */
export function serve(engine: Engine, name: string, payload: Payload, caller: Caller): void {
  // To wake a thread costs as much as a short run: those that came together are handed over together, to threads that are awake then.
  if (begun.push({ engine, name, payload, caller }) === 1) setImmediate(begin)
}

function begin(): void {
  const runs = begun
  begun = []
  for (const run of runs) {
    const { engine, name, payload, caller } = run
    // The library copies it.
    run.payload = undefined
    try {
      const number = native.serve(engine.handle, name, payload?.query, payload?.post, payload?.form, payload?.meta)
      if (number === undefined) throw new ScriptNotFound(name)
      underWay[number] = run
      count++
    } catch (error) {
      caller.fail(errorOf(error))
    }
  }
  sweepLater()
}
