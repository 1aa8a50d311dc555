// The API as users write it: `tsc --strict` reads it, nothing runs it. A line after @ts-expect-error must not compile.
import {
  CompileError, Engine, PayloadError, PeriluneError, RunError, Script, ScriptNotFound, Trace, Watch, version,
  type BatchOptions, type Diagnostic, type EngineOptions, type ErrorKind, type HostFunction, type Report, type Response, type RunOptions,
  type RunRequest, type ScriptError, type Size, type Status, type Text, type TraceJson, type Usage,
} from 'perilune'

const options: EngineOptions = { poolSize: 4, timeout: 5000, memory: '64MiB', output: 1024, backlog: undefined, isolation: 'process' }
const engine = new Engine(options)
const add: HostFunction = (a: number, b: number) => a + b
engine.function('add', add).function('later', async (key: string) => ({ key })).module('util', 'return {}')
const source: Text = Buffer.from('return 1')
const script: Script = engine.compile(source, { name: 'one' })
const size: Size = '1KiB'

const request: RunRequest = { get: { a: 1, b: 'x', c: true, d: 5n }, config: { a: 1 }, meta: '{}', seed: 7n, memory: size }
const trace: Trace = script.runSync(request)
const status: Status = trace.status
const id: number = trace.id
const out: [string, Buffer] = [trace.stdout, trace.stdoutBytes]
const response: Response | undefined = trace.response
const error: ScriptError | undefined = trace.error
const kind: ErrorKind | undefined = error?.kind
const usage: Usage = trace.usage
const json: TraceJson = trace.toJSON()
const value: { total: number } = trace.throwIfFailed().value
const when: Date = trace.executedAt

async function runs(signal: AbortSignal): Promise<number> {
  const given: RunOptions = { signal }
  const one: Trace = await script.run({ query: 'a=1' }, given)
  const named: Trace = await engine.run('shop/price', { post: { a: [1] } }, { signal })
  const compiled: Script = await engine.compileAsync('return 1')
  const batch: BatchOptions = { signal, onProgress: (done, total) => console.log(done / total) }
  for (const result of await compiled.runBatch([{}, { get: new URLSearchParams('a=1') }], batch)) {
    if (result instanceof PeriluneError) console.log(result.message)
    else console.log(result.stdout)
  }
  return one.id + named.id
}

try {
  engine.runSync('none')
} catch (thrown) {
  if (thrown instanceof CompileError) console.log(thrown.script, thrown.line, thrown.reason)
  if (thrown instanceof PayloadError) console.log(thrown.part, thrown.line, thrown.column, thrown.char)
  if (thrown instanceof ScriptNotFound) console.log(thrown.script)
  if (thrown instanceof RunError) console.log(thrown.kind, thrown.trace.stderr, thrown.cause)
}

const watch: Watch = engine.watch('scripts', (report: Report) => {
  for (const { path, error } of report.failed) console.log(path, error.message)
})
watch.close()
for (const [name, one] of engine.scripts.set('a', 'return 1')) console.log(name, one.hash, one.engine === engine)
const found: Diagnostic[] = engine.check('return 1')
const limit: number = engine.limits.timeout
engine.close()

// @ts-expect-error: no such option
new Engine({ pool: 4 })
// @ts-expect-error: no such isolation
new Engine({ isolation: 'threads' })
// @ts-expect-error: no such request
script.runSync({ tiemout: 1 })
// @ts-expect-error: a query is a text
script.runSync({ query: 1 })
// @ts-expect-error: what the addon made is the package's own
script.handle
// @ts-expect-error: a trace does not change
trace.status = 'success'
// @ts-expect-error: not for users
trace.valueText

export { found, id, json, kind, limit, out, response, runs, status, usage, value, version, when }
