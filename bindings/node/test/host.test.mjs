// Functions of the host.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Engine, RunError } from '../index.mjs'
import { child, collected, gate, native } from './helpers.mjs'

const engine = new Engine({ poolSize: 2 })

/** What ways there are to call a function: in a run on this thread, in one on another, and by a promise. */
const ways = [
  ['at once', (script) => script.runSync(), (body) => body],
  ['on the loop', (script) => script.run(), (body) => body],
  ['by a promise', (script) => script.run(), (body) => async (...args) => body(...args)],
  ['by a late promise', (script) => script.run(), (body) => async (...args) => (await new Promise(setImmediate), body(...args))],
  ['by another thenable', (script) => script.run(), (body) => (...args) => ({ then: (give, fail) => Promise.resolve().then(() => body(...args)).then(give, fail) })],
]

for (const [name, run, made] of ways) {
  test(`${name}: results and arguments`, async () => {
    engine.function('add', made((a, b) => a + b))
    assert.equal((await run(engine.compile('return host.add(host.add(1, 2), 3)'))).value, 6)
  })

  test(`${name}: what is thrown is a Lua error, and the cause`, async () => {
    class Moonless extends Error {}
    const thrown = new Moonless('no moon')
    engine.function('fail', made(() => { throw thrown }))
    const trace = await run(engine.compile('host.fail()', { name: 'try' }))
    assert.deepEqual([trace.error.kind, trace.error.message], ['host', 'try:1: host.fail: no moon'])
    assert.throws(() => trace.throwIfFailed(), (error) => error instanceof RunError && error.cause === thrown)
  })

  test(`${name}: what is caught is no cause`, async () => {
    engine.function('fail', made(() => { throw new Error('caught') }))
    for (const source of ["pcall(host.fail) error('other')", 'pcall(host.fail) return 1 + nil']) {
      const trace = await run(engine.compile(source))
      assert.throws(() => trace.throwIfFailed(), (error) => error.cause === undefined && error.kind === 'runtime')
    }
    assert.equal((await run(engine.compile('return select(2, pcall(host.fail))'))).value, 'host.fail: caught')
  })

  test(`${name}: anything can be thrown`, async () => {
    const cases = [
      ['text', 'text'], [undefined, 'undefined'], [null, 'null'], [5, '5'], [Symbol('s'), 'Symbol(s)'],
      [Object.create(null), 'the function failed'],
      [new (class extends Error { get message() { throw new Error('no message') } })(), 'the function failed'],
      [Object.assign(new Error(), { message: { a: 1 } }), '[object Object]'],
      [new Error('x'.repeat(5000)), 'x'.repeat(5000)],
      [new Error('\ud800'), '\ufffd'],
    ]
    for (const [thrown, text] of cases) {
      engine.function('fail', made(() => { throw thrown }))
      const trace = await run(engine.compile('host.fail()', { name: 'try' }))
      assert.equal(trace.error.message, `try:1: host.fail: ${text}`)
      assert.throws(() => trace.throwIfFailed(), (error) => error.cause === thrown)
    }
  })
}

test('a function that overflows the stack is an error of its own', async () => {
  const deep = () => deep() + 1
  engine.function('deep', deep)
  for (const run of ['runSync', 'run']) {
    assert.match((await engine.compile('host.deep()')[run]()).error.message, /Maximum call stack/)
  }
})

test('an async function in a synchronous run is a clear error', () => {
  let ran = false
  engine.function('later', async () => { ran = true; throw new Error('late') })
  const { error } = engine.compile('host.later()', { name: 'try' }).runSync()
  assert.equal(error.message, 'try:1: host.later: the function is async, and runSync waits for no promise: use run')
  assert.ok(ran)
})

test('registering', () => {
  assert.equal(engine.function('size', (text) => text.length), engine)
  engine.function('third', () => 3)
  assert.deepEqual(engine.compile("return host.size('abc'), host.third()").runSync().value, [3, 3])
  engine.function('size', () => -1)
  assert.equal(engine.compile("return host.size('abc')").runSync().value, -1)
  for (const wrong of [() => engine.function('no name', () => 1), () => engine.function('x', 1), () => engine.function('')]) {
    assert.throws(wrong)
  }
})

test('a function may run other scripts', async () => {
  const engine = new Engine({ poolSize: 2 })
  engine.scripts.set('inner', 'return ARGS.n * 2')
  engine.function('sync', (n) => engine.runSync('inner', { get: { n } }).value)
  engine.function('async', async (n) => (await engine.run('inner', { get: { n } })).value)
  assert.equal(engine.compile('return host.sync(21)').runSync().value, 42)
  assert.deepEqual((await engine.compile('return host.sync(21), host.async(2)').run()).value, [42, 4])
})

test('runs inside runs have a limit', () => {
  const engine = new Engine({ poolSize: 1 })
  engine.function('again', () => engine.runSync('again').throwIfFailed().value)
  engine.scripts.set('again', 'return host.again()')
  assert.match(engine.runSync('again').error.message, /again/)
})

test('a synchronous run lets others have their functions called: one of them has its VM', async () => {
  const engine = new Engine({ poolSize: 1, queue: 60_000 })
  const order = []
  const began = gate()
  engine.function('begin', began.open)
  engine.function('first', () => void order.push('first'))
  const waits = engine.compile('host.begin() for i = 1, 3 do host.first() end return 1').run()
  await began.promise
  assert.equal(engine.compile('return 2').runSync().value, 2)
  assert.deepEqual(order, ['first', 'first', 'first'])
  assert.equal((await waits).value, 1)
})

test('so it is for a synchronous run inside a function that the loop was told of with others', async () => {
  // Both runs are inside a function; that of one waits for the VM of the other.
  const engine = new Engine({ poolSize: 2, queue: 60_000 })
  engine.function('nested', () => engine.compile('return 7').runSync().value)
  const script = engine.compile('return host.nested()')
  const traces = await Promise.all(Array.from({ length: 8 }, () => script.run()))
  assert.deepEqual(traces.map((trace) => trace.value), Array(8).fill(7))
})

test('a promise that is settled twice, or when nobody waits, harms nothing', async () => {
  const engine = new Engine({ poolSize: 1 })
  const late = gate()
  engine.function('late', () => ({ then: (give, fail) => { give(1); give(2); fail(new Error('3')); late.promise.then(give) } }))
  const script = engine.compile('return host.late()')
  assert.equal((await script.run()).value, 1)
  late.open(4)
  await late.promise
  assert.equal((await script.run()).value, 1)
  // An answer to another call is none to this.
  engine.function('late', () => {
    for (const number of [0, 1, 2, 1e9]) native.settle(number, false, 'wrong')
    return 1
  })
  assert.equal((await script.run()).value, 1)
  assert.equal(script.runSync().value, 1)
  // Nobody waits.
  for (const number of [0, -1, NaN, 1, 1e9, 2 ** 64, undefined]) {
    native.settle(number, false, { a: 'nobody' })
    native.settle(number, true, 'nobody')
  }
  assert.equal((await script.run()).value, 1)
})

test('cancelling a run that waits for a promise ends it when that is settled', async () => {
  const engine = new Engine({ poolSize: 1 })
  const began = gate()
  const release = gate()
  engine.function('wait', () => (began.open(), release.promise))
  const controller = new AbortController()
  const run = engine.compile('host.wait() return 1').run({}, { signal: controller.signal })
  await began.promise
  controller.abort()
  release.open(null)
  assert.equal((await run).status, 'cancelled')
})

test('an engine that is known to its own functions is collected', async () => {
  const gone = new WeakRef(
    (() => {
      const engine = new Engine({ poolSize: 1 })
      const script = engine.compile('return host.self()')
      engine.function('self', () => engine.poolSize + script.name.length)
      engine.watch(import.meta.dirname ?? '.', () => engine)
      assert.equal(script.runSync().value, 7)
      return engine
    })(),
  )
  await new Promise(setImmediate)
  assert.ok(await collected(() => gone.deref() === undefined))
})

test('what functions threw is not kept when nobody reads the traces', async () => {
  const engine = new Engine({ poolSize: 2 })
  const refs = []
  engine.function('fail', () => {
    const error = new Error('gone')
    refs.push(new WeakRef(error))
    throw error
  })
  const script = engine.compile('pcall(host.fail)')
  for (let n = 0; n < 50; n++) {
    script.runSync()
    await script.run()
  }
  assert.ok(await collected(() => refs.every((ref) => ref.deref() === undefined)))
  assert.equal(refs.length, 100)
})

test('an uncaught exception in a callback ends the process as any other does', () => {
  const { stderr } = child(
    `const engine = new perilune.Engine({ poolSize: 1 })
     engine.watch(require('node:fs').mkdtempSync(require('node:os').tmpdir() + '/perilune-'), () => { throw new Error('in a callback') })
     setInterval(() => {}, 1000)`,
    { code: 1 },
  )
  assert.match(stderr, /in a callback/)
})
