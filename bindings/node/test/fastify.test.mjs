// Script Endpoints: what the table of bindings/endpoints doesn't ask.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

import Fastify from 'fastify'

import endpoints from '../fastify.mjs'
import { Engine } from '../index.mjs'

const require = createRequire(import.meta.url)
const { withoutSecrets } = require('../dist/payload.js')
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
    await assert.rejects(async () => Fastify().register(endpoints, { engine, ...options }), TypeError)
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
