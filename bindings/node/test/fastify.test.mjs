// Script Endpoints: what the table of bindings/endpoints doesn't ask.
import assert from 'node:assert/strict'
import { get } from 'node:http'
import { connect as connect2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'

import Fastify from 'fastify'

import endpoints, { Endpoints } from '../fastify.mjs'
import { Engine } from '../index.mjs'
import { collected, native } from './helpers.mjs'

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

test('wrong options are told apart', async () => {
  const engine = new Engine({ poolSize: 1 })
  const wrong = [
    [{ keys: '' }, /none may be empty/], [{ keys: [] }, /at least one key/], [{ keys: 1 }, /at least one key/], [{ keys: {} }, /at least one key/],
    [{}, /at least one key/], [{ keys: [1] }, /text/], [{ keys: { i: [''] } }, /none may be empty/], [{ keys: { i: 1 } }, /iterable/],
    [{ keys: 'k', rate: 0 }, /number of runs/], [{ keys: 'k', rate: '1' }, /number of runs/],
    [{ keys: 'k', public: ['a'] }, /INSTANCE\/NAME/], [{ keys: 'k', public: 'i/a' }, /INSTANCE\/NAME/], [{ keys: 'k', public: { 'i/a': '' } }, /iterable/],
    [{ keys: 'k', public: new Map([['i/a', 'x']]) }, /40 hex digits/], [{ keys: 'k', engine: {} }, /Engine/], [{ endpoints: {} }, /Endpoints/],
  ]
  for (const [options, message] of wrong) {
    await assert.rejects(async () => Fastify().register(endpoints, { engine, ...options }), { name: 'TypeError', message }, message)
  }
})

test('keys are of all instances or of one', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/a', 'return 1').set('j/a', 'return 1')
  const cases = [
    ['ż', { ż: ['i', 'j'] }], [new Set(['k', 'l']), { k: ['i', 'j'], l: ['i', 'j'] }],
    [{ i: 'k', j: ['l', 'm'] }, { k: ['i'], l: ['j'], m: ['j'] }], [new Map([['i', new Set(['k', 'l'])]]), { k: ['i'], l: ['i'], m: [] }],
  ]
  for (const [keys, allowed] of cases) {
    const app = Fastify()
    await app.register(endpoints, { engine, keys })
    for (const [key, instances] of Object.entries(allowed)) {
      for (const instance of ['i', 'j']) {
        const answer = await app.inject(`/v1.1/instances/${instance}/endpoints/scripts/a/run/?api_key=${encodeURIComponent(key)}`)
        assert.equal(answer.statusCode, instances.includes(instance) ? 200 : 403, `${key} of ${instance}`)
      }
    }
    await app.close()
  }
})

test('scripts are made public and private while they serve', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/a', 'return 1')
  const own = new Endpoints({ engine, keys: 'k' })
  const app = Fastify()
  await app.register(endpoints, { endpoints: own })
  const statusOf = async (link) => (await app.inject(`${BASE}p/${link}/a/`)).statusCode
  const link = own.publish('i/a')
  assert.match(link, /^[0-9a-f]{40}$/)
  assert.deepEqual([...own.links], [['i/a', link]])
  assert.equal(await statusOf(link), 200)
  const other = 'ab'.repeat(20)
  assert.equal(own.publish('i/a', other), other)
  assert.deepEqual([await statusOf(link), await statusOf(other)], [404, 200])
  own.unpublish('i/a')
  assert.deepEqual([await statusOf(other), own.links.size], [404, 0])
  assert.throws(() => own.publish('a'), { name: 'TypeError', message: /INSTANCE\/NAME/ })
  assert.throws(() => own.publish('i/a', 'x'), { name: 'TypeError', message: /40 hex digits/ })
  await app.close()
})

test('a link that can not be stored is not reset', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/a', 'return 1')
  const link = 'ab'.repeat(20)
  class Full extends Map {
    set(name, value) {
      if (this.has(name)) throw new Error('no room')
      return super.set(name, value)
    }
  }
  const app = Fastify()
  await app.register(endpoints, { engine, keys: 'k', public: new Full([['i/a', link]]) })
  const reset = await app.inject({ method: 'POST', url: `${BASE}a/reset_link/?api_key=k` })
  assert.deepEqual([reset.statusCode, reset.json()], [503, { detail: 'no room' }])
  assert.equal((await app.inject(`${BASE}p/${link}/a/`)).statusCode, 200)
  await app.close()
})

test('hooks of the host see requests and what is answered, and what they throw is answered by the host', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/a', "return 'ż'")
  const app = Fastify()
  const seen = []
  app.addHook('onRequest', async (request) => {
    seen.push('onRequest')
    if (request.headers['x-no']) throw Object.assign(new Error('not you'), { statusCode: 401 })
  })
  app.addHook('onSend', async (request, reply, payload) => {
    seen.push(reply.statusCode)
    return payload.replace('"status":"success"', '"status":"seen"')
  })
  app.addHook('onResponse', async () => seen.push('onResponse'))
  await app.register(endpoints, { engine, keys: 'k' })
  assert.equal((await app.inject(`${BASE}a/run/?api_key=k`)).json().status, 'seen')
  assert.deepEqual(seen.splice(0), ['onRequest', 200, 'onResponse'])
  const refused = await app.inject({ url: `${BASE}a/run/?api_key=k`, headers: { 'x-no': '1' } })
  assert.deepEqual([refused.statusCode, refused.json().message], [401, 'not you'])
  await app.close()
})

test('what a script answers is sent to the byte', async () => {
  const engine = new Engine({ poolSize: 1 })
  const source = "set_response{ content_type = 'a/b', headers = { ['X-A'] = GET.header }, content = (GET.body:gsub('..', function(hex) return string.char(tonumber(hex, 16)) end)) }"
  engine.scripts.set('i/a', source)
  const app = Fastify()
  await app.register(endpoints, { engine, keys: 'k' })
  for (const body of ['', '00', 'efbbbf61', 'c5bc', 'ff', '61ff', 'eda080', 'f09f9880']) {
    for (const header of ['a', 'ż']) {
      const answer = await app.inject(`${BASE}a/run/?api_key=k&body=${body}&header=${encodeURIComponent(header)}`)
      assert.deepEqual([answer.statusCode, answer.rawPayload.toString('hex'), answer.headers['content-type']], [200, body, 'a/b'], `${body} ${header}`)
    }
  }
  await app.close()
})

test('a prefix may have parameters', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/a', 'return META.PATH_INFO')
  const app = Fastify()
  await app.register(endpoints, { engine, keys: 'k', prefix: '/:tenant/api' })
  for (const tenant of ['t', '%C5%BC', 'a%20b']) {
    const answer = (await app.inject(`/${tenant}/api${BASE}a/?api_key=k`)).json()
    assert.equal(answer.links.run, `/${tenant}/api${BASE}a/run/`)
    const run = (await app.inject(`${answer.links.run}?api_key=k`)).json()
    assert.equal(run.result.value, `/${decodeURIComponent(tenant)}/api${BASE}a/run/`)
  }
  assert.deepEqual((await app.inject('/t/api/nothing')).json(), { detail: 'Not found' })
  await app.close()
})

test('bodies of any size and kind are read, whoever read them before', async () => {
  const engine = new Engine({ poolSize: 1, request: '1MiB' })
  engine.scripts.set('i/a', 'return #POST.text')
  const app = Fastify()
  // A hook that waits: by then, what there is of the request may have come.
  app.addHook('onRequest', async () => setImmediate())
  await app.register(endpoints, { engine, keys: 'k' })
  const ask = (payload, query = '') => app.inject({ method: 'POST', url: `${BASE}a/run/${query}`, payload })
  for (const length of [0, 1, 16_000, 17_000, 900_000]) {
    const text = 'x'.repeat(length)
    assert.equal((await ask({ text }, '?api_key=k')).json().result.value, length)
    assert.equal((await ask({ text, _api_key: 'k' })).json().result.value, length)
    assert.equal((await ask({ text, _api_key: 'l' })).statusCode, 403)
  }
  assert.deepEqual((await ask({ text: 'x'.repeat(2 << 20) }, '?api_key=k')).json(), { detail: 'Request size limit exceeded (1048576).' })
  await app.close()
})

test('what a function of the host threw is forgotten when the run is answered', async () => {
  const engine = new Engine({ poolSize: 1 })
  let thrown
  engine.function('fail', () => {
    throw (thrown = new Error('mine'))
  })
  engine.scripts.set('i/a', 'host.fail()')
  const app = Fastify()
  await app.register(endpoints, { engine, keys: 'k' })
  assert.match((await app.inject(`${BASE}a/run/?api_key=k`)).json().result.stderr, /mine/)
  let isGone = false
  const registry = new FinalizationRegistry(() => (isGone = true))
  registry.register(thrown)
  thrown = undefined
  assert.ok(await collected(() => isGone))
  await app.close()
})

test('nothing is left of requests, whatever became of them', async (t) => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/a', 'return 1')
  const app = Fastify()
  t.after(() => app.close())
  await app.register(endpoints, { engine, keys: 'k', public: ['i/a'] })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const ask = (url, payload) => app.inject({ method: payload === undefined ? 'GET' : 'POST', url: BASE + url, payload })
  const leaves = () =>
    new Promise((closed) => {
      const client = connect(app.server.address().port, '127.0.0.1').on('close', closed)
      const head = `POST ${BASE}a/run/ HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`
      client.write(head, () => client.destroy())
    })
  const round = async () => {
    const urls = ['a/run/', 'a/run/?api_key=k', 'a/reset_link/?api_key=k', 'x/y/z/', 'a/']
    const asked = urls.flatMap((url) => [undefined, {}, 'no', { text: 'x'.repeat(20_000) }, 'x'.repeat(1 << 20)].map((body) => ask(url, body)))
    await Promise.all([...asked, leaves(), ask('a/run/?api_key=k')])
  }
  await round()
  const before = native.liveObjects()
  for (let n = 0; n < 5; n++) await round()
  // Those whose client left are told of it later.
  assert.ok(await collected(() => native.liveObjects() <= before))
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
  await app.register(endpoints, { engine, keys: 'k' })
  const client = connect2(await app.listen({ host: '127.0.0.1', port: 0 }))
  t.after(() => {
    client.destroy()
    return app.close()
  })
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

test('over HTTP/2 too, a body without a length is read, and the address does not reach the script', async (t) => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('i/tells', 'return { POST, META }')
  const app = Fastify({ http2: true })
  await app.register(endpoints, { engine, keys: 'k' })
  const client = connect2(await app.listen({ host: '127.0.0.1', port: 0 }))
  t.after(() => {
    client.destroy()
    return app.close()
  })
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

