// Runs that are served: what of one run the next one has.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

import { Engine, PayloadError, ScriptNotFound } from '../index.mjs'
import { native } from './helpers.mjs'

const { serve } = createRequire(import.meta.url)('../dist/runs.js')

/** How a run ended: the members of its trace that matter here. */
const end = (engine, name, payload = {}, isGone = () => false) =>
  new Promise((resolve, reject) => {
    const answer = (json) => {
      const { status, result } = JSON.parse(json)
      resolve([status, result.value])
    }
    serve(engine, name, payload, { answer, fail: reject, get isGone() { return isGone() } })
  })

test('a run that was cancelled ends no other', async () => {
  const engine = new Engine({ poolSize: 4 })
  engine.scripts.set('spins', 'while true do end').set('works', 'return ARGS.n, META.a')
  for (let round = 0; round < 5; round++) {
    let isGone = false
    const ended = Array.from({ length: 3 }, () => end(engine, 'spins', {}, () => isGone))
    const others = Array.from({ length: 50 }, (_, n) => end(engine, 'works', { query: `n=${n}`, meta: `{"a":${round}}` }))
    assert.deepEqual(await Promise.all(others), Array.from({ length: 50 }, (_, n) => ['success', [String(n), round]]))
    isGone = true
    assert.deepEqual(await Promise.all(ended), Array(3).fill(['cancelled', undefined]))
  }
})

test('neither form, body nor META are there for the next run', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('a', 'return GET.g, POST.p, META.m')
  assert.deepEqual(await end(engine, 'a', { query: 'g=1', form: 'p=2', meta: '{"m":3}' }), ['success', ['1', '2', 3]])
  assert.deepEqual(await end(engine, 'a', { post: '{"p":4}' }), ['success', [null, 4, null]])
  assert.deepEqual(await end(engine, 'a'), ['success', [null, null, null]])
})

test('what keeps a run from beginning is told', async () => {
  const engine = new Engine({ poolSize: 1 })
  engine.scripts.set('a', 'return 1')
  await assert.rejects(end(engine, 'b'), ScriptNotFound)
  await assert.rejects(end(engine, 'a', { post: '[' }), PayloadError)
  await assert.rejects(end(engine, 'a', { post: 1 }), TypeError)
  engine.close()
  await assert.rejects(end(engine, 'a'), /the engine is closed/)
})

test('no more is kept than for the most runs at once', async () => {
  const engine = new Engine({ poolSize: 2 })
  engine.scripts.set('a', 'return 1')
  const round = () => Promise.all(Array.from({ length: 30 }, () => end(engine, 'a')))
  await round()
  const live = native.liveObjects()
  for (let n = 0; n < 100; n++) await round()
  assert.ok(native.liveObjects() <= live)
})
