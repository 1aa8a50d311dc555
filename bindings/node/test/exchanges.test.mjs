// Exchanges of Script Endpoints that share the addon's runs: what of one the next one has.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

import { Engine } from '../index.mjs'
import { native } from './helpers.mjs'

const { Endpoints } = createRequire(import.meta.url)('../dist/fastify.js')

/** What a script's run answers, asked for without Fastify: the members of its trace that matter here. */
const end = (endpoints, name, query = '', client = {}) =>
  new Promise((resolve) => {
    const send = (text) => {
      const { status, result } = JSON.parse(text)
      resolve([status, result.value])
    }
    const reply = { raw: client, send, code: () => reply, header: () => reply, serializer: () => reply }
    const url = `/v1.1/instances/i/endpoints/scripts/${name}/run/?api_key=k&${query}`
    endpoints.handleRequest({ method: 'GET', ip: '::1', raw: { url, rawHeaders: ['X-A', query], socket: {} } }, reply, 0)
  })

test('a run that was cancelled ends no other', async () => {
  const engine = new Engine({ poolSize: 4 })
  engine.scripts.set('i/spins', 'while true do end').set('i/works', 'return ARGS.n, META.HTTP_X_A')
  const endpoints = new Endpoints({ engine, keys: 'k' })
  for (let round = 0; round < 5; round++) {
    const client = { destroyed: false }
    const ended = Array.from({ length: 3 }, () => end(endpoints, 'spins', '', client))
    const others = Array.from({ length: 50 }, (_, n) => end(endpoints, 'works', `n=${n}`))
    assert.deepEqual(await Promise.all(others), Array.from({ length: 50 }, (_, n) => ['success', [String(n), `n=${n}`]]))
    client.destroyed = true
    assert.deepEqual(await Promise.all(ended), Array(3).fill(['cancelled', undefined]))
  }
})

test('no more is kept than for the most runs at once', async () => {
  const engine = new Engine({ poolSize: 2 })
  engine.scripts.set('i/a', 'return 1')
  const endpoints = new Endpoints({ engine, keys: 'k' })
  const round = () => Promise.all(Array.from({ length: 30 }, () => end(endpoints, 'a')))
  await round()
  const live = native.liveObjects()
  for (let n = 0; n < 100; n++) await round()
  assert.ok(native.liveObjects() <= live)
})

test('neither form, body nor META are there for the next run', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('a', 'return GET.g, POST.p, META.m')
  const cases = [
    [{ query: 'g=1', form: 'p=2', meta: '{"m":3}' }, ['1', '2', 3]],
    [{ post: '{"p":4}' }, [null, 4, null]],
    [{}, [null, null, null]],
  ]
  for (const [request, values] of cases) assert.deepEqual((await engine.run('a', request)).value, values)
})
