// Many runs at once, signals, batches.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Engine, PayloadError, PeriluneError, Trace } from '../index.mjs'
import { child, gate, rejects } from './helpers.mjs'

test('a thousand at once', async () => {
  const engine = new Engine({ poolSize: 4, queue: 60_000 })
  const script = engine.compile('local n = 0 for i = 1, 1000 do n += i end return GET.n + n')
  const traces = await Promise.all(Array.from({ length: 1000 }, (_, n) => script.run({ get: { n } })))
  assert.deepEqual(traces.map((trace) => trace.value), Array.from({ length: 1000 }, (_, n) => n + 500500))
})

test('the loop goes on while 64 runs wait', async () => {
  const engine = new Engine({ poolSize: 64 })
  const release = gate()
  const all = gate()
  let waiting = 0
  engine.function('wait', () => (++waiting === 64 && all.open(), release.promise))
  const script = engine.compile('return host.wait()')
  let ended = 0
  const runs = Array.from({ length: 64 }, async () => {
    const { value } = await script.run()
    ended++
    return value
  })
  await all.promise
  // Nor are libuv's threads taken.
  const text = await readFile(fileURLToPath(import.meta.url), 'utf8')
  assert.ok(text.includes('Nor are'))
  assert.equal(ended, 0)
  release.open(7)
  assert.deepEqual(await Promise.all(runs), Array(64).fill(7))
})

test('a run keeps the process alive, and what came of it is told', () => {
  const { stdout } = child(`
    const engine = new perilune.Engine({ poolSize: 1 })
    engine.compile('local n = 0 for i = 1, 1e6 do n += 1 end return n').run().then((trace) => console.log(trace.value))
    engine.compileAsync('return 5').then((script) => script.run()).then((trace) => console.log(trace.value))`)
  assert.deepEqual(stdout.trim().split('\n').sort(), ['1000000', '5'])
})

test('a watch does not keep it alive', () => {
  child("new perilune.Engine({ poolSize: 1 }).watch(require('node:fs').mkdtempSync(require('node:os').tmpdir() + '/perilune-'))")
})

test('signals before a run, while it waits and while it runs', async () => {
  const engine = new Engine({ poolSize: 1, queue: 60_000 })
  const began = gate()
  engine.function('begin', began.open)
  const endless = engine.compile('host.begin() while true do pcall(function() while true do end end) end')
  const next = engine.compile('return 1')
  const [running, waiting] = [new AbortController(), new AbortController()]

  assert.equal((await next.run({}, { signal: AbortSignal.abort() })).status, 'cancelled')
  const runs = endless.run({}, { signal: running.signal })
  await began.promise
  const waits = next.run({ get: { a: 1 } }, { signal: waiting.signal })
  waiting.abort()
  const { status, error } = await waits
  assert.deepEqual([status, error.kind], ['cancelled', 'cancelled'])
  running.abort()
  assert.equal((await runs).status, 'cancelled')
  assert.equal((await next.run()).value, 1)
  assert.equal(engine.metrics().runs.cancelled, 3)
})

test('a timeout of the platform', async () => {
  const engine = new Engine({ poolSize: 1 })
  const trace = await engine.compile('while true do end').run({}, { signal: AbortSignal.timeout(5) })
  assert.equal(trace.status, 'cancelled')
})

test('a signal has one listener for all its runs, and none after them', async () => {
  const engine = new Engine({ poolSize: 2 })
  const { signal } = new AbortController()
  const script = engine.compile('return 1')
  const runs = Array.from({ length: 20 }, () => script.run({}, { signal }))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  await Promise.all(runs)
  await rejects(script.run({ post: 'no JSON' }, { signal }), PayloadError, '')
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  await rejects(script.run({}, { signal: {} }), TypeError, '')
})

test('a signal ends all its runs', async () => {
  const engine = new Engine({ poolSize: 2, queue: 60_000 })
  const controller = new AbortController()
  const script = engine.compile('while true do end')
  const runs = Array.from({ length: 6 }, () => script.run({}, { signal: controller.signal }))
  controller.abort()
  for (const trace of await Promise.all(runs)) assert.equal(trace.status, 'cancelled')
})

test('batches', async () => {
  const engine = new Engine({ poolSize: 2, queue: 0 })
  const script = engine.compile("if GET.n == '5' then error('five') end return GET.n * 2")
  const requests = Array.from({ length: 100 }, (_, n) => ({ get: { n } }))
  requests[7] = { post: 'no JSON' }
  const told = []
  const results = await script.runBatch(requests, { onProgress: (...progress) => told.push(progress) })
  assert.deepEqual(
    results.slice(0, 9).map((result) => (result.ok ? result.value : result.constructor)),
    [0, 2, 4, 6, 8, Trace, 12, PayloadError, 16],
  )
  assert.ok(results[7] instanceof PeriluneError)
  assert.deepEqual(told, requests.map((_, n) => [n + 1, 100]))
  assert.deepEqual(await script.runBatch([]), [])
  assert.equal((await script.runBatch(new Set(requests))).length, 100)
})

test('a batch ends at what its caller did wrong', async () => {
  const engine = new Engine({ poolSize: 1 })
  let calls = 0
  engine.function('count', () => void calls++)
  const script = engine.compile('host.count()')
  await rejects(script.runBatch([{}, { x: 1 }, {}, {}]), TypeError, 'a request has no x')
  await rejects(script.runBatch([{}, {}, {}], { onProgress: () => { throw new EvalError('mine') } }), EvalError, 'mine')
  assert.equal((await engine.compile('return 1').run()).value, 1)
  assert.equal(calls, 2)
})

test('a signal ends a batch', async () => {
  const engine = new Engine({ poolSize: 2 })
  const controller = new AbortController()
  engine.function('abort', () => controller.abort())
  const results = await engine.compile('host.abort() while true do end').runBatch(Array(50).fill({}), { signal: controller.signal })
  assert.ok(results.every((trace) => trace.status === 'cancelled'))
})

test('compiling on another thread', async () => {
  const engine = new Engine({ poolSize: 1 })
  const source = Buffer.from("return 'compiled'")
  const compiling = engine.compileAsync(source, { name: 'far' })
  // What is compiled is what it was.
  source.fill(0)
  const script = await compiling
  assert.deepEqual([script.name, script.runSync().value], ['far', 'compiled'])
  const many = await Promise.all(Array.from({ length: 100 }, (_, n) => engine.compileAsync(`return ${n}`)))
  assert.deepEqual(many.map((script) => script.runSync().value), Array.from({ length: 100 }, (_, n) => n))
})
