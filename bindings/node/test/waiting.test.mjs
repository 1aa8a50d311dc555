// Runs that wait for functions of the host take no thread.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Engine } from '../index.mjs'
import { child, gate } from './helpers.mjs'

test('many runs wait at the same time on one thread', async () => {
  const runs = 200
  const engine = new Engine({ poolSize: runs, threads: 1 })
  const all = gate()
  let waiting = 0
  engine.function('pass', async (n) => {
    if (++waiting === runs) all.open()
    await all.promise
    return n
  })
  const script = engine.compile('return host.pass(tonumber(GET.n)), host.pass(0)')
  const traces = await Promise.all(Array.from({ length: runs }, (_, n) => script.run({ get: { n } })))
  assert.deepEqual(traces.map((trace) => trace.value), Array.from({ length: runs }, (_, n) => [n, 0]))
  // The last one may be answered before it began to wait.
  for (const { usage, durationNs } of traces) assert.ok(usage.waitedNs <= durationNs)
  assert.ok(traces[0].usage.waitedNs > 0)
  assert.equal(JSON.parse(traces[0].json).usage.waited_ns, traces[0].usage.waitedNs)
  const { vms, wait_duration } = engine.metrics()
  assert.equal(vms.parked, 0)
  assert.ok(wait_duration.count >= runs - 1)
})

test('a run that waits ends at its deadline, and when it is aborted', async () => {
  const engine = new Engine({ poolSize: 2, threads: 1 })
  const begun = gate()
  const never = gate()
  engine.function('never', () => (begun.open(), never.promise))
  for (const source of ['host.never()', 'while true do pcall(host.never) end', 'coroutine.wrap(host.never)()']) {
    const script = engine.compile(source)
    assert.equal((await script.run({ timeout: 20 })).status, 'timeout')
    const abort = new AbortController()
    const run = script.run({}, { signal: abort.signal })
    await begun.promise
    abort.abort()
    assert.equal((await run).status, 'cancelled')
  }
  // What comes late is for nobody.
  never.open(1)
  engine.function('now', () => 2)
  assert.equal((await engine.compile('return host.now()').run()).value, 2)
  assert.equal(engine.metrics().vms.parked, 0)
})

test('a number of threads is an integer from 1 on', () => {
  for (const threads of [0, -1, 1.5, '2', NaN]) assert.throws(() => new Engine({ threads }), RangeError)
})

test('a process ends while runs wait', () => {
  const { stdout } = child(`
    const engine = new perilune.Engine({ poolSize: 50, threads: 1 })
    engine.function('never', () => new Promise(() => {}))
    engine.function('last', () => { console.log('last'); setImmediate(() => process.exit(0)) })
    for (let n = 0; n < 40; n++) engine.compile('host.never()').run()
    engine.compile('host.last() host.never()').run()
  `)
  assert.equal(stdout, 'last\n')
})

