import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'

import { call, errorOf, PeriluneError, ScriptNotFound } from './errors'
import { HostFunctions, type HostFunction } from './functions'
import { native, type Handle, type NativeReport, type Text } from './native'
import { commandOf } from './platform'
import { Runnable, type RunOptions, type RunRequest } from './script'
import { type Trace } from './trace'
import { nanoseconds, size, type Size } from './values'

/** How an engine is to be. */
export interface EngineOptions {
  /**
   * Where runs are made: in worker processes that can do nothing but compute (`'process'`, Linux), so that a fault in the VM costs one run,
   * whose status is `crashed`, or in this process (`'none'`, and if not given). Functions of the host are called here either way.
   */
  isolation?: 'none' | 'process' | undefined
  /** How worker processes are to be, where there are any. */
  workers?: WorkerOptions | undefined
  /** How many VMs, and so how many runs at once, with those that wait; as many as the machine has threads, if not given. */
  poolSize?: number | undefined
  /**
   * How many threads make the runs of `run`; as many as there are VMs, up to 64, if not given. A run that waits for a host function takes none, so
   * that VMs may be thousands; one that computes has one to itself.
   */
  threads?: number | undefined
  /** Milliseconds of one run; 30,000. */
  timeout?: number | undefined
  /** Bytes that the heap of a run's VM may grow by; 64 MiB. */
  memory?: Size | undefined
  /** Bytes of stdout and stderr, each; 512 KiB. */
  output?: Size | undefined
  /** Milliseconds that a run waits for a VM; 5,000. */
  queue?: number | undefined
  /** Bytes of the returned value as JSON; 512 KiB. */
  value?: Size | undefined
  /** Calls of host functions in one run; 10,000. */
  hostCalls?: number | undefined
  /** Bytes of query, body, config and meta together; 512 KiB. */
  request?: Size | undefined
  /** Parameters in the query; 1,000. */
  parameters?: number | undefined
  /** Bytes of a source; 1 MiB. */
  source?: Size | undefined
  /** Runs that may wait for a VM; 10,000. */
  backlog?: number | undefined
}

/** How the worker processes of an engine are to be. */
export interface WorkerOptions {
  /** Runs after which each is replaced; without limit, if not given. */
  maxRuns?: number | undefined
  /** Milliseconds after which no run begins in one; without limit, if not given. */
  maxAge?: number | undefined
  /** Milliseconds for which a source is refused that ended three of them in a row, twice as long after each that it ends then; 1,000. */
  backoff?: number | undefined
  /** Milliseconds for which a worker and this process wait for each other without sleeping; 0.02. */
  spin?: number | undefined
  /** The engine can't be made where a part of the sandbox is missing. */
  requireSandbox?: boolean | undefined
}

/** What keeps workers from the system beside their VMs: each with why it is missing, or null where it is in place. */
export interface Sandbox {
  /** Only system calls that computing needs (seccomp). */
  readonly systemCalls: string | null
  /** No file can be opened, and no port (Landlock). */
  readonly files: string | null
  /** A user and a network of its own (namespaces). */
  readonly namespaces: string | null
  /** Bounds of memory, processes and files, no dumps, and an end with this process. */
  readonly resources: string | null
}

/** What came of loading a directory, or of a change in a watched one. */
export interface Report {
  /** The names of scripts that are new or changed. */
  readonly loaded: string[]
  /** The names that no longer serve, because their files are gone. */
  readonly removed: string[]
  /** The files that could not be put, and why. What served under their names before goes on. */
  readonly failed: { readonly path: string; readonly error: PeriluneError }[]
}

/** What `Engine.check` says of one line. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** From 1. */
  readonly line: number
  /** Where in that line, in characters from 1. */
  readonly column: number
  readonly message: string
}

type LimitName = keyof Omit<EngineOptions, 'isolation' | 'workers' | 'poolSize' | 'threads' | 'backlog'>

/** Options that are no limits. */
const OTHERS = new Set(['isolation', 'workers', 'poolSize', 'threads', 'backlog'])

/** The library's limits by the names that they have here, with their numbers and whether they are times. */
const LIMITS = new Map<string, { number: number; isTime: boolean }>()
native.limits.forEach((name, number) => {
  LIMITS.set(name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()), { number, isTime: native.limitUnits[number] === 'ns' })
})

/** Options of workers as the library takes them: the numbers of PERILUNE_WORKER_*, each with its value. */
function workerOptions(options: WorkerOptions): number[] {
  const { maxRuns, maxAge, backoff, spin, requireSandbox, ...others } = options
  for (const key in others) throw new TypeError(`workers have no option ${key}`)
  if (maxRuns !== undefined && !(Number.isSafeInteger(maxRuns) && maxRuns >= 1)) {
    throw new RangeError('maxRuns: pass an integer from 1 on')
  }
  const values = [
    maxRuns,
    nanoseconds(maxAge, 'maxAge'),
    nanoseconds(backoff, 'backoff'),
    nanoseconds(spin, 'spin'),
    requireSandbox ? 1 : undefined,
  ]
  return values.flatMap((value, index) => (value === undefined ? [] : [index + 1, value]))
}

/** The program of worker processes. */
function workerProgram(): string {
  const command = commandOf(join(__dirname, '..'))
  if (command !== undefined) return command
  throw new PeriluneError(
    "isolation: the command perilune, which is the worker processes' program, is missing beside the addon: install perilune anew, with scripts allowed",
  )
}

/** A compiled script, which can be run by many at once. `Engine.compile` makes one. */
export class Script extends Runnable {
  declare readonly engine: Engine
}

/** The named scripts of an engine, as a Map has them: a source that is set is compiled, and serves from then on. */
export class Scripts {
  /** @internal */
  constructor(private readonly engine: Engine) {}

  /** Compiles a script and lets it serve. A source that does not compile throws, and changes nothing. */
  set(name: string, source: Text): this {
    call(() => native.enginePut(this.engine.handle, name, source))
    return this
  }

  /** The script that serves now. It stays that version. */
  get(name: string): Script | undefined {
    const handle = call(() => native.engineGet(this.engine.handle, name))
    return handle && new Script(this.engine, handle)
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** Takes a script out of service; returns whether there was one. */
  delete(name: string): boolean {
    return call(() => native.engineRemove(this.engine.handle, name))
  }

  /** The names, sorted. */
  keys(): IterableIterator<string> {
    return native.engineNames(this.engine.handle).values()
  }

  get size(): number {
    return native.engineNames(this.engine.handle).length
  }

  *[Symbol.iterator](): IterableIterator<[string, Script]> {
    for (const name of this.keys()) {
      const script = this.get(name)
      if (script) yield [name, script]
    }
  }

  /** Lets the `*.lua` files of a directory serve: `PATH/NAME.lua` as `NAME`, `PATH/INSTANCE/NAME.lua` as `INSTANCE/NAME`. */
  loadDir(path: string): Report {
    return report(call(() => native.engineLoadDir(this.engine.handle, path)))
  }
}

function report([loaded, removed, failed]: NativeReport): Report {
  return { loaded, removed, failed: failed.map(([path, error]) => ({ path, error: errorOf(error) as PeriluneError })) }
}

/** Keeps named scripts as the files of a directory are, until it is closed: see `Engine.watch`. */
export class Watch {
  #handle: Handle | undefined

  /** @internal */
  constructor(
    handle: Handle,
    /** The addon only borrows it. @internal */
    readonly told: (report: NativeReport) => void,
    private readonly others: Set<Watch>,
  ) {
    this.#handle = handle
    others.add(this)
  }

  /** Ends it. The scripts stay as they are. */
  close(): void {
    if (this.#handle) native.watchClose(this.#handle)
    this.#handle = undefined
    this.others.delete(this)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * Runs scripts. Make one for a process (or worker) and share it.
 *
 * ```js
 * const engine = new Engine({ poolSize: 4, timeout: 5000 })
 * const script = engine.compile("print('Hello', ARGS.monster)", { name: 'hello' })
 * const trace = await script.run({ query: 'monster=Manticore' })
 * ```
 */
export class Engine {
  #handle: Handle | undefined
  readonly #watches = new Set<Watch>()
  /** How many VMs there may be. */
  readonly poolSize: number
  /** The named scripts. */
  readonly scripts = new Scripts(this)
  /** @internal */
  readonly functions = new HostFunctions()

  constructor(options: EngineOptions = {}) {
    const { isolation = 'none', workers, poolSize, threads, backlog } = options
    if (isolation !== 'none' && isolation !== 'process') throw new TypeError("isolation: pass 'process' or 'none'")
    for (const [name, value, least] of [['poolSize', poolSize, 1], ['threads', threads, 1], ['backlog', backlog, 0]] as const) {
      if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
        throw new RangeError(`${name}: pass an integer from ${least} on`)
      }
    }
    const limits: number[] = []
    for (const key in options) {
      if (OTHERS.has(key)) continue
      const limit = LIMITS.get(key)
      if (!limit) throw new TypeError(`an engine has no option ${key}`)
      const value = options[key as LimitName]
      const most = limit.isTime ? nanoseconds(value as number, key) : call(() => size(value, key))
      if (most !== undefined) limits.push(limit.number, most)
    }
    this.poolSize = poolSize ?? (availableParallelism ? availableParallelism() : cpus().length)
    if (workers && isolation !== 'process') throw new TypeError("workers: they are for isolation: 'process'")
    const program = isolation === 'process' ? workerProgram() : undefined
    this.#handle = call(() => native.engineNew(this.poolSize, backlog ?? -1, limits, program, workerOptions(workers ?? {}), threads ?? 0))
  }

  /** @internal */
  get handle(): Handle {
    this.assertOpen()
    return this.#handle as Handle
  }

  /** @internal */
  assertOpen(): void {
    if (!this.#handle) throw new PeriluneError('the engine is closed')
  }

  /** What keeps the engine's workers from the system; undefined where it has none. */
  sandbox(): Sandbox | undefined {
    const missing = call(() => native.engineSandbox(this.handle))
    if (!missing) return undefined
    const [systemCalls = null, files = null, namespaces = null, resources = null] = missing
    return { systemCalls, files, namespaces, resources }
  }

  /** Compiles a script, on this thread. */
  compile(source: Text, { name = 'script' }: { name?: string } = {}): Script {
    return new Script(this, call(() => native.engineCompile(this.handle, name, source)))
  }

  /** Compiles a script, on another thread. */
  async compileAsync(source: Text, { name = 'script' }: { name?: string } = {}): Promise<Script> {
    try {
      return new Script(this, await native.engineCompileAsync(this.handle, name, source))
    } catch (thrown) {
      throw errorOf(thrown)
    }
  }

  #named(name: string): Script {
    const script = this.scripts.get(name)
    if (!script) throw new ScriptNotFound(name)
    return script
  }

  /** Runs the script that serves under a name. */
  async run(name: string, request?: RunRequest, options?: RunOptions): Promise<Trace> {
    return this.#named(name).run(request, options)
  }

  /** The same on this thread, which waits. */
  runSync(name: string, request?: RunRequest): Trace {
    return this.#named(name).runSync(request)
  }

  /**
   * Gives scripts a function of the host, `host.NAME(…)`, from their next run on. In a run by `run` it is called on the loop, and may be
   * async: until it has answered, the run takes no thread, and its timeout or signal ends it at once. In one by `runSync` it is called at once, and
   * may not.
   */
  function(name: string, function_: HostFunction): this {
    if (typeof function_ !== 'function') throw new TypeError(`${name}: a host function must be a function`)
    call(() => this.functions.add(this.handle, name, function_))
    return this
  }

  /** Gives scripts a module, `require "NAME"`, from their next run on. */
  module(name: string, source: Text): this {
    call(() => native.engineModule(this.handle, name, source))
    return this
  }

  /**
   * Loads a directory as `scripts.loadDir` does, and keeps the scripts as the files are: an edit is live in about 0.1 s, a broken one
   * changes nothing. It lasts as long as the engine, or until it is closed, and does not keep the process alive.
   */
  watch(path: string, onChange?: (report: Report) => void): Watch {
    const told = (change: NativeReport) => onChange?.(report(change))
    return new Watch(call(() => native.engineWatch(this.handle, path, told)), told, this.#watches)
  }

  /** What is wrong with a source, and what may do something else than its author expects, line by line. Runs nothing. */
  check(source: Text, { name = 'script' }: { name?: string } = {}): Diagnostic[] {
    const found = call(() => native.engineCheck(this.handle, name, source))
    return found.map(([isError, line, column, message]) => ({ severity: isError ? 'error' : 'warning', line, column, message }))
  }

  /** What the engine counted until now. */
  metrics(): any {
    return JSON.parse(call(() => native.engineMetrics(this.handle, false)))
  }

  /** The same in Prometheus' text form, to be served as `text/plain; version=0.0.4`. */
  prometheus(): string {
    return call(() => native.engineMetrics(this.handle, true))
  }

  /** The ceilings of every run: milliseconds, bytes and counts. */
  get limits(): Readonly<Record<LimitName, number>> {
    const limits = [...LIMITS].map(([name, { number, isTime }]) => {
      const most = native.engineLimit(this.handle, number)
      return [name, isTime ? most / 1e6 : most] as const
    })
    return Object.fromEntries(limits) as Record<LimitName, number>
  }

  /** Ends the watches, and refuses new runs. Those under way end as they would. */
  close(): void {
    for (const watch of this.#watches) watch.close()
    this.#handle = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
