// Script Endpoints: what the table of bindings/endpoints doesn't ask.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { get } from 'node:http'
import { connect as connect2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'

import Fastify from 'fastify'

import endpoints from '../fastify.mjs'
import { Engine } from '../index.mjs'

const require = createRequire(import.meta.url)
const { multipart, withoutSecrets } = require('../dist/payload.js')
const { History } = require('../dist/history.js')
const BASE = '/v1.1/instances/i/endpoints/scripts/'

test('a host keeps its own routes and parsers, and its Map the links', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/a', 'return POST.n')
  const links = new Map([['i/a', '']])
  const app = Fastify()
  await app.register(endpoints, { engine, keys: 'k', public: links })
  app.post('/own', async (request) => request.body)
  assert.deepEqual((await app.inject({ method: 'POST', url: '/own', payload: { n: 1 } })).json(), { n: 1 })
  assert.match((await app.inject('/nowhere')).json().message, /not found/)
  const reset = await app.inject({ method: 'POST', url: `${BASE}a/reset_link/?api_key=k` })
  assert.equal(reset.json().public_link, links.get('i/a'))
  const run = await app.inject({ method: 'POST', url: `${BASE}p/${links.get('i/a')}/a/`, payload: { n: 2 } })
  assert.equal(run.json().result.value, 2)
  await app.close()
})

test('wrong options say what to pass', async () => {
  const engine = new Engine({ poolSize: 1 })
  for (const options of [{ keys: '' }, { keys: [] }, { keys: 1 }, { keys: {} }, {}, { keys: 'k', rate: 0 }, { keys: 'k', public: ['a'] }]) {
    await assert.rejects(async () => Fastify().register(endpoints, { engine, ...options }), { name: 'TypeError', message: /^(keys|public|rate): pass / })
  }
})

test('only its own members that carry keys are cut out of JSON', () => {
  const names = ['a', 'api_key', '_api_key', 'user_key', 'k"\\', '\\u0061pikey']
  const values = ['1', '12345678901234567890', '"}, \\"key\\": ["', '[{"api_key":[]}]', '{ "_api_key" : {} }', 'null', '""']
  for (let round = 0; round < 2000; round++) {
    const members = Array.from({ length: round % 5 }, () => {
      const name = names[Math.floor(Math.random() * names.length)]
      return `${JSON.stringify(name).replace('\\\\u', '\\u')} : ${values[Math.floor(Math.random() * values.length)]}`
    })
    const text = ` {${members.join(' , ')}}\n`
    const expected = JSON.parse(text)
    for (const name of ['api_key', 'apikey', '_api_key', 'user_key', '_user_key']) delete expected[name]
    assert.deepEqual(JSON.parse(withoutSecrets(Buffer.from(text))[0]), expected, text)
  }
})

test('a description is the comment that a source begins with, and a stranger can not make it slow', async () => {
  const engine = new Engine({ poolSize: 1 })
  const app = Fastify()
  await app.register(endpoints, { engine, keys: 'k' })
  const described = {
    '\n  -- One\n--two\n\n-- no more\nreturn 1': 'One\ntwo',
    '--[==[ A\n]] B ]==] return 1': 'A\n]] B',
    'return 1 -- no': '',
    [`${' '.repeat(900_000)}return 1`]: '',
    [`--${'\t'.repeat(900_000)}\n--x`]: 'x',
  }
  for (const [source, description] of Object.entries(described)) {
    engine.scripts.set('i/a', source)
    const answer = await app.inject({ url: `${BASE}a/`, headers: { 'x-api-key': 'k' } })
    assert.equal(answer.json().description, description, source.slice(0, 50))
  }
  await app.close()
})

test('a full pool is 503, and a client that goes away ends its run', async (t) => {
  const engine = new Engine({ poolSize: 1, queue: 1 })
  const begun = new Promise((resolve) => engine.function('begun', () => resolve()))
  engine.scripts.set('i/spins', 'host.begun() while true do end')
  const app = Fastify()
  t.after(() => app.close())
  await app.register(endpoints, { engine, keys: 'k' })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const client = connect(app.server.address().port, '127.0.0.1')
  client.on('error', () => undefined)
  client.write(`GET ${BASE}spins/run/ HTTP/1.1\r\nHost: here\r\nX-API-Key: k\r\n\r\n`)
  await begun
  const ask = (url) => app.inject({ url: BASE + url, headers: { 'x-api-key': 'k' } })
  const refused = await ask('spins/run/')
  assert.deepEqual([refused.statusCode, refused.headers['retry-after'], refused.json().status], [503, '1', 'queue_timeout'])
  client.destroy()
  // The run would go on for 30 s: the test would end before it does.
  let traces
  do {
    await setImmediate()
    traces = (await ask('spins/traces/')).json().objects
  } while (traces.length < 2)
  assert.deepEqual(traces.map(({ status }) => status).sort(), ['cancelled', 'queue_timeout'])
})

test('over HTTP/2 too, a client that goes away ends its run', async (t) => {
  const engine = new Engine({ poolSize: 1 })
  const begun = new Promise((resolve) => engine.function('begun', () => resolve()))
  engine.scripts.set('i/spins', 'host.begun() while true do end').set('i/works', 'return 1')
  const app = Fastify({ http2: true })
  t.after(() => app.close())
  await app.register(endpoints, { engine, keys: 'k' })
  const client = connect2(await app.listen({ host: '127.0.0.1', port: 0 }))
  t.after(() => client.close())
  const spins = client.request({ ':path': `${BASE}spins/run/?api_key=k` }).on('error', () => undefined)
  await begun
  spins.close()
  // It has the only VM, for 30 s.
  const works = client.request({ ':path': `${BASE}works/run/?api_key=k` })
  assert.equal(JSON.parse((await works.toArray()).join('')).result.value, 1)
})

test('behind a Unix socket a client has no address', async (t) => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/a', 'return META.REMOTE_ADDR')
  const app = Fastify()
  t.after(() => app.close())
  await app.register(endpoints, { engine, keys: 'k' })
  // Its length is limited.
  const socketPath = relative('', join(tmpdir(), `${process.pid}.sock`))
  await app.listen({ path: socketPath })
  const answer = await new Promise((resolve) => get({ socketPath, path: `${BASE}a/run/?api_key=k` }, resolve))
  assert.deepEqual(JSON.parse((await answer.toArray()).join('')).result, { stderr: '', stdout: '', value: null })
})

test('the last hundred traces of a script are kept, and 64 MiB of all', () => {
  const history = new History()
  const text = (bytes) => `{"status":"success","result":{"stdout":"${'x'.repeat(bytes)}"},"executed_at":"","id":0}`
  for (let id = 1; id <= 101; id++) history.add('i/a', id, text(1))
  const ids = (script) => history.list(script, String).map((json) => Number(JSON.parse(json).links.self))
  assert.deepEqual(ids('i/a'), Array.from({ length: 100 }, (_, at) => 101 - at))
  assert.equal(history.get('i/a', 1, ''), undefined)
  history.add('i/b', 102, text(1))
  for (let id = 103; id <= 135; id++) history.add('i/c', id, text(2 << 20))
  assert.deepEqual([ids('i/a'), ids('i/b')], [[], []])
  assert.deepEqual(ids('i/c'), Array.from({ length: 31 }, (_, at) => 135 - at))
})

test('traces are forgotten after a day', (t) => {
  const history = new History()
  const day = 24 * 60 * 60 * 1000
  let now = 0
  t.mock.method(performance, 'now', () => now)
  history.add('i/a', 1, '{"status":"success"}')
  now = day / 2
  history.add('i/a', 2, '{"stdout":"ż"}')
  now = day
  assert.equal(history.list('i/a', String).length, 2)
  now++
  assert.equal(history.get('i/a', 1, ''), undefined)
  assert.deepEqual(history.list('i/a', String), ['{"stdout":"ż","links":{"self":"2"}}'])
})

test('a backlog that is full is 503, to be asked again', async (t) => {
  const engine = new Engine({ poolSize: 1, backlog: 0 })
  const begun = new Promise((resolve) => engine.function('begun', () => resolve()))
  engine.scripts.set('i/spins', 'host.begun() while true do end')
  const app = Fastify()
  t.after(() => app.close())
  await app.register(endpoints, { engine, keys: 'k' })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const client = connect(app.server.address().port, '127.0.0.1')
  client.write(`GET ${BASE}spins/run/?api_key=k HTTP/1.1\r\nHost: here\r\n\r\n`)
  await begun
  const ask = () => app.inject(`${BASE}spins/run/?api_key=k`)
  const refused = await ask()
  assert.deepEqual([refused.statusCode, refused.headers['retry-after']], [503, '1'])
  assert.match(refused.body, /runs wait for a VM already/)
  engine.close()
  const closed = await ask()
  assert.deepEqual([closed.statusCode, closed.headers['retry-after'], closed.json()], [503, '1', { detail: 'the engine is closed' }])
  client.destroy()
})

test('keys of any length and alphabet are told apart', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/a', 'return 1')
  const keys = ['k', 'k'.repeat(63), 'k'.repeat(64), 'k'.repeat(300), 'ż\u{1f600}']
  const app = Fastify()
  await app.register(endpoints, { engine, keys })
  const statusOf = async (key) => (await app.inject(`${BASE}a/run/?api_key=${encodeURIComponent(key)}`)).statusCode
  for (const key of keys) {
    assert.equal(await statusOf(key), 200, key)
    assert.equal(await statusOf(`${key}x`), 403, key)
    assert.equal(await statusOf(`${key}\0`), 403, key)
    assert.equal(await statusOf(key.replace(/.$/u, 'x')), 403, key)
  }
  await app.close()
})

test('paths that were asked for before are what they were', async () => {
  const engine = new Engine({ poolSize: 1 })
  const app = Fastify()
  await app.register(endpoints, { engine, keys: 'k' })
  const ask = async (path, payload) => {
    const method = payload ? 'POST' : 'GET'
    const answer = await app.inject({ method, url: BASE + path, headers: { 'x-api-key': 'k', 'x-a': '"\\' }, payload })
    return answer.json().result?.value ?? answer.statusCode
  }
  assert.equal(await ask('a/run/?n=1'), 404)
  engine.scripts.set('i/a', 'return GET.n, POST.n, META.REQUEST_METHOD, META.HTTP_X_A')
  assert.deepEqual(await ask('a/run/?n=1'), ['1', null, 'GET', '"\\'])
  assert.deepEqual(await ask('a/run/?n=2', { n: 3 }), ['2', 3, 'POST', '"\\'])
  engine.scripts.delete('i/a')
  assert.equal(await ask('a/run/'), 404)
  // More than are kept.
  const asked = Array.from({ length: 1500 }, (_, n) => ask(`${n}/run/`))
  assert.deepEqual(new Set(await Promise.all(asked)), new Set([404]))
  await app.close()
})

test('over HTTP/2 too, a body without a length is read, and the address does not reach the script', async (t) => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/tells', 'return { POST, META }')
  const app = Fastify({ http2: true })
  t.after(() => app.close())
  await app.register(endpoints, { engine, keys: 'k' })
  const client = connect2(await app.listen({ host: '127.0.0.1', port: 0 }))
  t.after(() => client.close())
  const ask = async (path, body) => {
    const stream = client.request({ ':path': BASE + path, ':method': 'POST', 'content-type': 'application/json' })
    stream.end(body)
    return JSON.parse((await stream.toArray()).join('')).result.value
  }
  const [post, meta] = await ask('tells/run/?api_key=k&b=1', '{"n":1}')
  assert.deepEqual(post, { n: 1 })
  assert.deepEqual(Object.keys(meta).filter((name) => name.startsWith('HTTP_')).sort(), ['HTTP_CONTENT_TYPE', 'HTTP_HOST'])
  assert.match(meta.HTTP_HOST, /^127\.0\.0\.1:\d+$/)
  assert.deepEqual((await ask('tells/run/', '{"n":2,"_api_key":"k"}'))[0], { n: 2 })
  assert.deepEqual(Object.keys((await ask('tells/run/?api_key=k', ''))[0]), [])
})

test('a multipart body has as many parts as a query has parameters', async () => {
  const parts = (count) => Buffer.from(`${'--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n'.repeat(count)}--X--\r\n`)
  assert.equal(await multipart('multipart/form-data; boundary=X', parts(3), 3), 'a=1&a=1&a=1')
  await assert.rejects(multipart('multipart/form-data; boundary=X', parts(4), 3), /^Error: more than 3 parts$/)
  const nameless = Buffer.from(`${'--X\r\n\r\nk\r\n'.repeat(4)}--X--\r\n`)
  await assert.rejects(multipart('multipart/form-data; boundary=X', nameless, 3), /^Error: more than 3 parts$/)
})
