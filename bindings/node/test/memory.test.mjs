// Nothing leaks, whatever was run.
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { Engine } from '../index.mjs'
import { collected, native } from './helpers.mjs'

const folder = mkdtempSync(join(tmpdir(), 'perilune-'))
const rss = () => process.memoryUsage.rss() / 2 ** 20

test('100,000 runs of every kind leave nothing', async () => {
  const engine = new Engine({ poolSize: 2, queue: 60_000 })
  engine.function('pick', (value) => ({ a: [value, Buffer.from([255]), null] }))
  engine.function('later', async (value) => [value])
  engine.function('fail', () => { throw new Error('no') })
  const script = engine.compile("print('Hello') local v = host.pick(GET) return v.a[1]", { name: 'leaks' })
  const failing = engine.compile('pcall(host.fail) host.fail()')
  const waiting = engine.compile('return host.later(GET.n)')
  const plain = engine.compile("print('Hello', ARGS.n) return POST")

  async function round(runs) {
    for (let n = 0; n < runs; n++) {
      script.runSync({ get: { n }, post: { a: 1 } }).value
      failing.runSync().error
      plain.runSync({ query: 'n=1', post: Buffer.from('{}') }).stdout
    }
    for (let n = 0; n < runs / 100; n++) {
      const { signal } = new AbortController()
      await Promise.all(Array.from({ length: 50 }, () => plain.run({ query: 'n=1' })))
      await Promise.all(Array.from({ length: 20 }, (_, n) => waiting.run({ get: { n } }, { signal })))
      await Promise.all(Array.from({ length: 10 }, () => failing.run()))
      await script.runBatch(Array.from({ length: 20 }, (_, n) => ({ get: { n } })))
      await assert.rejects(plain.run({ post: '[' }))
      await engine.compileAsync(`return ${n}`)
      assert.throws(() => engine.compile('return +'))
    }
  }

  await round(8000)
  const settled = async () => {
    await collected(() => native.liveObjects() === live)
    return native.liveObjects()
  }
  let live = -1
  live = await settled()
  const before = rss()
  for (let n = 0; n < 3; n++) await round(8000)
  assert.equal(await settled(), live)
  const more = rss() - before
  assert.ok(more < 16, `${more.toFixed(1)} MiB more`)
})

test('an engine and all that was made of it go', async () => {
  await collected(() => false)
  const live = native.liveObjects()
  await (async () => {
    for (let n = 0; n < 20; n++) {
      const engine = new Engine({ poolSize: 1 })
      engine.function('f', () => engine)
      engine.scripts.set('a', 'return 1')
      engine.watch(folder).close()
      await engine.run('a', {}, { signal: new AbortController().signal })
    }
  })()
  assert.ok(await collected(() => native.liveObjects() <= live), `${native.liveObjects()} of ${live}`)
})
