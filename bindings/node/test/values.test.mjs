// The README's table of values: what each kind becomes, on the way in and out.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Engine, PayloadError } from '../index.mjs'
import { rejects } from './helpers.mjs'

const engine = new Engine({ poolSize: 1 })

function nested(depth, leaf = 1) {
  let value = leaf
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

/** What a host function is given for a Lua expression. */
const toJs = [
  ['nil', null],
  ['json.null', null],
  ['true', true],
  ['3', 3],
  ['2.5', 2.5],
  ['2^53', 2 ** 53],
  ['1e300', 1e300],
  ['0/0', NaN],
  ['-1/0', -Infinity],
  ["'text'", 'text'],
  ["''", ''],
  ["'a\\0b'", 'a\0b'],
  ["'\\xEF\\xBF\\xBD'", '\ufffd'],
  ["'\\240\\159\\140\\153'", '\u{1f319}'],
  ["'\\255\\0'", Buffer.from([255, 0])],
  // Cut, too long, a surrogate, beyond the last: each is no UTF-8.
  ["'\\240\\159\\140'", Buffer.from([240, 159, 140])],
  ["'\\240\\159\\140a'", Buffer.from([240, 159, 140, 97])],
  ["'\\192\\128'", Buffer.from([192, 128])],
  ["'\\224\\128\\128'", Buffer.from([224, 128, 128])],
  ["'\\237\\160\\128'", Buffer.from([237, 160, 128])],
  ["'\\244\\144\\128\\128'", Buffer.from([244, 144, 128, 128])],
  ["'\\240\\143\\191\\191'", Buffer.from([240, 143, 191, 191])],
  ["('x'):rep(1000)", 'x'.repeat(1000)],
  ['{1, 2, {}}', [1, 2, {}]],
  ['json.array({})', []],
  ["json.decode('[]')", []],
  ['{}', {}],
  ["{ a = json.null, ['\\255'] = 1, [5] = 2 }", { a: null, '\ufffd': 1, 5: 2 }],
  ["json.decode('{\"__proto__\":{\"x\":1}}')", JSON.parse('{"__proto__":{"x":1}}')],
]
for (const [lua, seen] of toJs) {
  test(`Lua's ${lua}`, async () => {
    const script = engine.compile(`host.see(${lua}, 'last')`)
    for (const run of ['runSync', 'run']) {
      let got
      engine.function('see', (...args) => void (got = args))
      ;(await script[run]()).throwIfFailed()
      assert.deepStrictEqual(got, [seen, 'last'])
      assert.equal(Object.getPrototypeOf(got[0] ?? {}), Object.getPrototypeOf(seen ?? {}))
    }
  })
}

/** What a script sees of a host function's result, and of a member of the body; `same` where both are one. */
const same = Symbol('same')
const toLua = [
  [null, 'v == nil', 'v == json.null'],
  [undefined, 'v == nil', same],
  [true, 'v == true', same],
  [7, 'v == 7', same],
  [-(2 ** 53), 'v == -2^53', same],
  [-0, '1 / v == -math.huge', 'v == 0'],
  [2n ** 53n, 'v == 2^53', same],
  [-(2n ** 53n), 'v == -2^53', same],
  [2n ** 53n + 1n, "v == '9007199254740993'", same],
  [-(2n ** 63n), "v == '-9223372036854775808'", same],
  [2n ** 64n - 1n, "v == '18446744073709551615'", same],
  [0.5, 'v == 0.5', same],
  [Infinity, 'v == math.huge', undefined],
  [NaN, 'v ~= v', undefined],
  ['Mañana', "v == 'Mañana'", same],
  ['a\0b', "v == 'a\\0b'", same],
  ['\ud800 \\ud800 \udc00', "v == '\ufffd \\\\ud800 \ufffd'", same],
  [Buffer.from('é'), "v == 'é'", same],
  [Buffer.from([255, 0]), "v == '\\255\\0'", "v == '\ufffd\\0'"],
  [new Uint8Array([65]), "v == 'A'", same],
  [new Uint8Array(new SharedArrayBuffer(1)).fill(65), "v == 'A'", same],
  [new Date(0), "v == '1970-01-01T00:00:00.000Z'", same],
  [new Date(NaN), 'v == nil', 'v == json.null'],
  [new URL('http://a/b'), "v == 'http://a/b'", same],
  [[], "json.encode(v) == '[]'", same],
  [{}, "json.encode(v) == '{}'", same],
  [[1, [2, null, undefined]], "json.encode(v) == '[1,[2,null,null]]'", same],
  // eslint-disable-next-line no-sparse-arrays
  [[1, , 3], "json.encode(v) == '[1,null,3]'", same],
  [{ a: { b: [true] }, 1: 'x', u: undefined }, "v.a.b[1] == true and v['1'] == 'x' and v.u == nil", same],
  [JSON.parse('{"__proto__":{"x":1}}'), "rawget(v, '__proto__').x == 1", same],
  [Object.assign(Object.create(null), { a: 1 }), 'v.a == 1', same],
  [new Proxy({ a: 1 }, {}), 'v.a == 1', same],
  [{ toJSON: () => 5 }, 'v == 5', same],
  [new (class Moon { x = 1; #y = 2; get z() { return 3 } })(), "json.encode(v) == '{\"x\":1}'", same],
  [{ [Symbol('s')]: 1 }, 'next(v) == nil', same],
]
for (const [value, lua, posted] of toLua) {
  test(`JavaScript's ${typeof value} as ${lua}`, async () => {
    engine.function('get', () => value)
    assert.equal(engine.compile(`local v = host.get() return ${lua}`).runSync().value, true)
    engine.function('get', async () => value)
    assert.equal((await engine.compile(`local v = host.get() return ${lua}`).run()).value, true)
    if (posted !== undefined) {
      assert.equal(engine.compile(`local v = POST.v return ${posted === same ? lua : posted}`).runSync({ post: { v: value } }).value, true)
    }
  })
}

const cycle = []
cycle.push(cycle)
const refused = [
  [() => {}, 'a function or symbol'],
  [Symbol('s'), 'a function or symbol'],
  [new Map(), "Map can't be given"],
  [new Set([1]), "Set can't be given"],
  [[new Float64Array(1)], "Float64Array can't be given"],
  [new DataView(new ArrayBuffer(1)), "DataView can't be given"],
  [new ArrayBuffer(1), "ArrayBuffer can't be given"],
  [2n ** 64n, 'a BigInt of more than 64 bits'],
  [-(2n ** 63n) - 1n, 'a BigInt of more than 64 bits'],
  [nested(129), 'a value is nested deeper than 128 levels'],
  [cycle, 'a value is nested deeper than 128 levels'],
  [{ get a() { throw new Error('no getting') } }, 'no getting'],
  [{ toJSON() { throw new Error('no JSON') } }, 'no JSON'],
  [new Proxy({}, { ownKeys() { throw new Error('no keys') } }), 'no keys'],
  [new Proxy([], { get() { throw new Error('no get') } }), 'no get'],
]
for (const [value, text] of refused) {
  test(`a result that is refused: ${text}`, async () => {
    const expected = (trace) => assert.ok(trace.error?.message.startsWith(`try:1: host.get: `) && trace.error.message.includes(text), trace.error?.message)
    const script = engine.compile('host.get()', { name: 'try' })
    engine.function('get', () => value)
    expected(script.runSync())
    expected(await script.run())
    engine.function('get', async () => value)
    expected(await script.run())
    // The next call finds nothing of it.
    engine.function('get', () => 1)
    assert.ok(script.runSync().ok)
  })
}

test('128 levels both ways', async () => {
  engine.function('get', () => nested(128))
  let got
  engine.function('see', (value) => void (got = value))
  engine.compile('host.see(host.get())').runSync().throwIfFailed()
  assert.deepEqual(got, nested(128))
  const { value } = engine.compile('return POST').runSync({ post: { v: nested(126) } })
  assert.deepEqual(value, { v: nested(126) })
  await rejects(engine.compile('return 1').run({ post: { v: nested(200) } }), PayloadError, '')
})

test('arguments that can not cross', () => {
  engine.function('see', () => null)
  for (const lua of ['print', 'coroutine.create(print)', '{ f = print }', '(function() local t = {} t.t = t return t end)()']) {
    const { error } = engine.compile(`host.see(${lua})`).runSync()
    assert.ok(error?.message.includes('argument #1'), lua)
  }
})
