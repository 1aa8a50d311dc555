// One run: what goes in, what comes out.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as esm from '../index.mjs'
import { cjs, gate, rejects } from './helpers.mjs'

const { Engine, Trace, CompileError, PayloadError, PeriluneError, RunError, ScriptNotFound } = esm
const engine = new Engine({ poolSize: 2 })

/** Both ways to run must agree. */
async function both(script, request, check) {
  check(script.runSync(request))
  check(await script.run(request))
}

test('a trace has all fields', async () => {
  const engine = new Engine({ poolSize: 1 })
  const source = `
    print("Hello", ARGS.monster)
    warn("careful")
    set_response{ status = 201, content_type = "text/plain", content = "made \\255", headers = { ["X-B"] = { "ü", "a" }, ["X-A"] = "b" } }
    return POST.n + 1`
  const script = engine.compile(source, { name: 'hello' })
  let id = 0
  const before = Date.now()
  await both(script, { query: 'monster=Manticore', post: Buffer.from('{"n": 1}') }, (trace) => {
    assert.ok(trace instanceof Trace)
    assert.deepEqual([trace.status, trace.ok, trace.id, trace.script, trace.version], ['success', true, ++id, 'hello', 1])
    assert.deepEqual([trace.stdout, trace.stdoutBytes], ['Hello\tManticore\n', Buffer.from('Hello\tManticore\n')])
    assert.deepEqual([trace.stderr, trace.stderrBytes], ['careful\n', Buffer.from('careful\n')])
    assert.deepEqual([trace.stdoutTruncated, trace.stderrTruncated], [false, false])
    assert.equal(trace.value, 2)
    assert.deepEqual(trace.response, {
      status: 201,
      contentType: 'text/plain',
      content: Buffer.from('made \xff', 'latin1'),
      headers: [['X-A', 'b'], ['X-B', 'ü'], ['X-B', 'a']],
    })
    assert.equal(trace.error, undefined)
    assert.equal(trace.throwIfFailed(), trace)
    assert.ok(trace.durationNs > 0)
    assert.equal(trace.duration, Math.floor(trace.durationNs / 1e6))
    assert.ok(trace.executedAt >= before - 1 && trace.executedAt <= Date.now() + 1)
    assert.ok(trace.usage.memoryBytes >= 0 && trace.usage.queuedNs >= 0)
    assert.equal(trace.usage.hostCalls, 0)
    assert.match(esm.version, /^\d+\.\d+\.\d+$/)
  })
})

test('bytes that are no text stay', async () => {
  await both(engine.compile("io.write('\\255\\0é') io.stderr:write('\\254')"), {}, (trace) => {
    assert.deepEqual([trace.stdout, trace.stderr], ['\ufffd\0é', '\ufffd'])
    assert.deepEqual([...trace.stdoutBytes], [255, 0, 0xc3, 0xa9])
    assert.deepEqual([...trace.stderrBytes], [254])
  })
})

const long = 'é'.repeat(300)
const requests = [
  [undefined, { GET: {}, POST: {} }],
  [{ query: 'a=1&b=%20' }, { GET: { a: '1', b: ' ' }, POST: {} }],
  [{ query: Buffer.from('a=\xff', 'latin1') }, { GET: { a: '\ufffd' }, POST: {} }],
  [{ query: `a=${long}` }, { GET: { a: long }, POST: {} }],
  [{ get: { a: '1&b', n: 2, f: 0.5, t: true, i: 2n ** 60n } }, { GET: { a: '1&b', n: '2', f: '0.5', t: 'true', i: String(2n ** 60n) }, POST: {} }],
  [{ get: new URLSearchParams([['a', '1'], ['a', '2']]) }, { GET: { a: '2' }, POST: {} }],
  [{ post: { n: [1, 2.5, null, { x: [] }] } }, { GET: {}, POST: { n: [1, 2.5, null, { x: [] }] } }],
  [{ post: '{"n": 1}' }, { GET: {}, POST: { n: 1 } }],
  [{ post: new Uint8Array(Buffer.from('{"n": 1}')) }, { GET: {}, POST: { n: 1 } }],
  [{ post: new Uint8Array(new SharedArrayBuffer(2)).fill(0x7b).map((c, i) => c + 2 * i) }, { GET: {}, POST: {} }],
  [{ post: '' }, { GET: {}, POST: {} }],
  [{ form: 'a=1&b=%26' }, { GET: {}, POST: { a: '1', b: '&' } }],
  [{ post: { text: 'Mañana \u{1f319}' }, timeout: undefined }, { GET: {}, POST: { text: 'Mañana \u{1f319}' } }],
]
// Around the size from which a text no longer fits the addon's stack, cut and uncut.
for (let length = 250; length < 260; length++) {
  for (const last of ['x', 'é', '€', '\u{1f319}']) {
    const text = 'x'.repeat(length) + last
    requests.push([{ query: `a=${text}` }, { GET: { a: text }, POST: {} }])
  }
}
for (const [request, seen] of requests) {
  test(`a script sees ${JSON.stringify(request, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))?.slice(0, 60)}`, () =>
    both(engine.compile('return { GET = GET, POST = POST }'), request, (trace) => assert.deepEqual(trace.value, seen)))
}

test('a buffer that was given away is empty', async () => {
  const post = new Uint8Array(Buffer.from('{"n": 1}'))
  structuredClone(post, { transfer: [post.buffer] })
  await both(engine.compile('return next(POST) == nil'), { post }, (trace) => assert.equal(trace.value, true))
})

test('a body may be given away while its run waits', async () => {
  const engine = new Engine({ poolSize: 1 })
  const post = new Uint8Array(1 << 16).fill(0x20)
  post.set(Buffer.from('{"n": 1}'))
  engine.function('give', () => void structuredClone(post, { transfer: [post.buffer] }).fill(0x78))
  const began = gate()
  engine.function('begin', began.open)
  const first = engine.compile('host.begin() host.give()').run()
  await began.promise
  // It waits for the VM of the first, whose function is called meanwhile.
  assert.equal(engine.compile('return POST.n').runSync({ post }).value, 1)
  assert.ok((await first).ok)
  assert.equal(post.length, 0)
})

test('config, meta and seed', async () => {
  const script = engine.compile('return CONFIG.a, META.b, math.random(1e9)')
  const values = []
  for (const seed of [7, 7n]) {
    await both(script, { config: { a: 1 }, meta: '{"b": 2}', seed }, (trace) => values.push(trace.value))
  }
  for (const value of values) assert.deepEqual(value, values[0])
  assert.deepEqual(values[0].slice(0, 2), [1, 2])
  assert.equal(script.runSync({ seed: 2n ** 64n - 1n }).ok, true)
})

const cyclic = { a: {} }
cyclic.a.b = cyclic
const refused = [
  [{ post: 'no JSON' }, PayloadError, 'JSON parse error - Expecting object: line 1 column 1 (char 0)'],
  [{ post: '[1]' }, PayloadError, 'JSON parse error - Expecting object: line 1 column 1 (char 0)'],
  [{ post: new Date(0) }, PayloadError, 'JSON parse error'],
  [{ config: '{' }, PayloadError, 'CONFIG: JSON parse error'],
  [{ post: `{"a": "${'x'.repeat(600_000)}"}` }, PayloadError, 'Request size limit exceeded (524288).'],
  [{ post: { n: NaN } }, TypeError, "post: n: NaN can't be JSON"],
  [{ post: { n: -Infinity } }, TypeError, "post: n: -Infinity can't be JSON"],
  [{ post: { f() {} } }, TypeError, "post: f: a function can't be given"],
  [{ post: { n: new Map() } }, TypeError, "post: n: Map can't be given"],
  [{ post: new Set() }, TypeError, "post: Set can't be given"],
  [{ post: { n: new Float64Array(1) } }, TypeError, "post: n: Float64Array can't be given"],
  [{ post: { n: 2n ** 64n } }, RangeError, 'has more than 64 bits'],
  [{ post: cyclic }, TypeError, 'circular'],
  [{ post: { toJSON() {} } }, TypeError, 'post: its toJSON returns nothing'],
  [{ post: { toJSON() { throw new EvalError('mine') } } }, EvalError, 'mine'],
  [{ post: { get a() { throw new EvalError('mine') } } }, EvalError, 'mine'],
  [{ meta: new Proxy({}, { ownKeys() { throw new EvalError('mine') } }) }, EvalError, 'mine'],
  [{ post: [1] }, TypeError, 'post: pass an object, or JSON as a string or Buffer'],
  [{ post: 1 }, TypeError, 'post: pass an object'],
  [{ query: 1 }, TypeError, 'a text must be a string or a Buffer'],
  [{ query: new Uint16Array(1) }, TypeError, 'a text must be a string or a Buffer'],
  [{ get: { a: null } }, TypeError, 'get: "a" must be a string, number or boolean, not null'],
  [{ get: { a: '1' }, query: 'b' }, TypeError, 'pass query or get, not both'],
  [{ post: '{}', form: 'b' }, TypeError, 'pass post or form, not both'],
  [{ seed: -1 }, RangeError, 'seed: pass an integer'],
  [{ seed: 0.5 }, RangeError, 'seed: pass an integer'],
  [{ seed: 2n ** 64n }, RangeError, 'seed: a BigInt must be'],
  [{ seed: -1n }, RangeError, 'seed: a BigInt must be'],
  [{ timeout: -1 }, RangeError, 'timeout: -1 is no time in milliseconds'],
  [{ timeout: NaN }, RangeError, 'timeout: NaN is no time in milliseconds'],
  [{ memory: '64 parsecs' }, PeriluneError, 'is not a size in bytes'],
  [{ memory: -1 }, RangeError, 'memory: -1 is no size in bytes'],
  [{ tiemout: 1 }, TypeError, 'a request has no tiemout'],
]
for (const [request, type, text] of refused) {
  test(`refused: ${text}`, async () => {
    const script = engine.compile('return 1')
    await rejects((async () => script.runSync(request))(), type, text)
    await rejects(script.run(request), type, text)
  })
}

test('errors have fields, and one class in both kinds of modules', async () => {
  const script = engine.compile("error('no luck')", { name: 'try' })
  const cases = [
    [() => engine.compile('local a = 1\nreturn +', { name: 'sum' }), 'CompileError', { script: 'sum', line: 2, ok: false }],
    [() => script.runSync({ meta: '{"a":\n  1 2}' }), 'PayloadError', { part: 'meta', line: 2, column: 5, char: 10, ok: false }],
    [() => engine.runSync('none'), 'ScriptNotFound', { script: 'none', message: 'Not found: "none"', ok: false }],
    [() => script.runSync().throwIfFailed(), 'RunError', { kind: 'runtime', script: 'try', line: 1, message: 'try:1: no luck', ok: false }],
    [() => engine.function('no name', () => 1), 'PeriluneError', { ok: false }],
  ]
  for (const [body, name, fields] of cases) {
    assert.throws(body, (error) => {
      assert.equal(error.name, name)
      for (const module of [esm, cjs]) {
        assert.ok(error instanceof module[name] && error instanceof module.PeriluneError && error instanceof Error)
      }
      for (const key in fields) assert.equal(error[key], fields[key], key)
      return true
    })
  }
  assert.throws(() => engine.compile('return +', { name: 'a' }), (error) => error.message === `a:1: ${error.reason}`)
  await rejects(engine.compileAsync('return +', { name: 'a' }), CompileError, 'a:1: ')
  await rejects(engine.run('none'), ScriptNotFound, 'Not found: "none"')
})

const statuses = [
  ["error('no luck')", {}, 'failure', 'runtime', 'try:1: no luck'],
  ['return print', {}, 'failure', 'value', 'a function'],
  ['while true do end', { timeout: 10 }, 'timeout', 'timeout', 'its timeout of 10 ms'],
  ["local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", { memory: '4MiB' }, 'memory_limit', 'memory_limit', 'limit of 4194304 bytes'],
]
for (const [source, limits, status, kind, text] of statuses) {
  test(`the status ${kind}: ${text}`, () =>
    both(engine.compile(source, { name: 'try' }), limits, (trace) => {
      assert.deepEqual([trace.status, trace.ok, trace.error.kind], [status, false, kind])
      // Of the limit that was given: the engine's own would end it too, later.
      assert.ok(trace.error.message.includes(text), trace.error.message)
      assert.throws(() => trace.throwIfFailed(), (error) => {
        assert.ok(error instanceof RunError)
        assert.deepEqual(
          [error.message, error.kind, error.script, error.line, error.traceback, error.trace, error.cause],
          [trace.error.message, kind, trace.error.script, trace.error.line, trace.error.traceback, trace, undefined],
        )
        return true
      })
    }))
}

test('a run that finds no VM in time, and one past the backlog', async () => {
  const engine = new Engine({ poolSize: 1, queue: 0 })
  engine.function('inner', () => engine.compile('return 1').runSync().value)
  const traces = []
  engine.function('other', async () => void traces.push(await engine.compile('return 1').run()))
  await engine.compile('host.other()').run()
  assert.deepEqual([traces[0].status, traces[0].error.kind], ['queue_timeout', 'queue_timeout'])
})

test('output is cut at its limit', () =>
  both(engine.compile("print(('x'):rep(1000)) warn('yyyy')"), { output: 3 }, (trace) => {
    assert.deepEqual([trace.stdout, trace.stdoutTruncated, trace.status], ['xxx', true, 'success'])
    assert.deepEqual([trace.stderr, trace.stderrTruncated], ['yyy', true])
  }))

test('limits of an engine', () => {
  const options = {
    timeout: 1500, memory: '8MiB', output: '1KiB', queue: 500, value: 100, hostCalls: 3, request: '2KiB', parameters: 4, source: 200,
  }
  const engine = new Engine({ poolSize: 1, backlog: 5, ...options })
  assert.deepEqual(engine.limits, { ...options, memory: 8 << 20, output: 1024, request: 2048 })
  assert.throws(() => engine.compile('-'.repeat(201)), CompileError)
  const wrong = [
    [{ poolSize: 0 }, RangeError], [{ poolSize: 1.5 }, RangeError], [{ backlog: -1 }, RangeError], [{ timeout: -1 }, RangeError],
    [{ memory: 'lots' }, PeriluneError], [{ pool: 1 }, TypeError],
  ]
  for (const [options, type] of wrong) assert.throws(() => new Engine(options), type)
  assert.ok(new Engine({ poolSize: undefined, timeout: undefined }).poolSize >= 1)
})

test('an engine that is closed refuses', async () => {
  const engine = new Engine({ poolSize: 1 })
  const script = engine.compile('return 1')
  engine.close()
  engine.close()
  for (const use of [() => script.runSync(), () => engine.compile(''), () => engine.metrics(), () => engine.scripts.set('a', ''), () => engine.runSync('a')]) {
    assert.throws(use, { name: 'PeriluneError', message: 'the engine is closed' })
  }
  await rejects(script.run(), PeriluneError, 'the engine is closed')
  await rejects(engine.compileAsync(''), PeriluneError, 'the engine is closed')
})

test('an engine may be closed while it runs scripts', async () => {
  const engine = new Engine({ poolSize: 2 })
  engine.function('add', async (a, b) => a + b)
  const script = engine.compile('return host.add(1, 2)')
  const runs = Array.from({ length: 50 }, () => script.run())
  engine.close()
  assert.deepEqual((await Promise.all(runs)).map((trace) => trace.value), Array(50).fill(3))
})
