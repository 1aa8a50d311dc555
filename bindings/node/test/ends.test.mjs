// Workers and processes may end at any time, whatever goes on in the engine's threads.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { child } from './helpers.mjs'

/** All that can be in flight, begun in the main thread or a worker. */
const BUSY = `
  const engine = new perilune.Engine({ poolSize: 32, queue: 60_000 })
  engine.function('spin', () => 1)
  engine.function('later', () => new Promise((done) => setImmediate(done, 2)))
  engine.function('never', () => new Promise(() => {}))
  const controller = new AbortController()
  const ignore = () => {}
  const { Endpoints } = require(${JSON.stringify(new URL('../dist/fastify.js', import.meta.url).pathname)})
  const endpoints = new Endpoints({ engine, keys: 'k' })
  engine.scripts.set('i/spins', 'while true do end')
  const { Readable } = require('node:stream')
  const body = (bytes) => Readable.from([Buffer.from('{"a":"' + 'x'.repeat(bytes) + '"}')])
  /** A request of which nobody reads the answer. */
  const ask = (isGone, body) => {
    const url = '/v1.1/instances/i/endpoints/scripts/spins/run/?api_key=k'
    const reply = { raw: { destroyed: isGone }, log: { error: ignore }, code: () => reply, header: () => reply, serializer: () => reply, send: ignore }
    const raw = { url, rawHeaders: ['Content-Type', 'application/json'], socket: {} }
    endpoints.handleRequest({ method: body ? 'POST' : 'GET', ip: '::1', raw, body }, reply, 0)
  }
  const begin = (source, ...rest) => engine.compile(source).run(...rest).then(ignore, ignore)
  for (let n = 0; n < 3; n++) {
    begin('while true do pcall(host.spin) end')
    begin('while true do pcall(host.later) end')
    begin('while true do end')
    begin('host.never()')
    // A run, a body that another thread reads, one that this does, and one of which no more comes.
    for (const asked of [undefined, body(400_000), body(4), new Readable({ read: ignore })]) ask(n === 0, asked)
    begin('while true do end', {}, { signal: controller.signal })
    engine.compileAsync('return 1' + '+ 1'.repeat(10_000)).then(ignore, ignore)
  }
  const path = require('node:fs').mkdtempSync(require('node:os').tmpdir() + '/perilune-')
  engine.watch(path, () => require('node:fs').writeFileSync(path + '/a.lua', 'return ' + Math.random()))
`

/** A program for a worker, which says when it has begun. */
const worker = (source) => `
  const { Worker } = require('node:worker_threads')
  const start = () => new Promise((resolve, reject) => {
    const worker = new Worker(
      'const perilune = require(' + JSON.stringify(${JSON.stringify(new URL('..', import.meta.url).pathname)}) + ');' +
      'const { parentPort } = require("node:worker_threads");' + ${JSON.stringify(source)}, { eval: true })
    worker.ended = new Promise((ended) => worker.once('exit', ended))
    worker.once('message', () => resolve(worker)).once('error', reject)
  })
`

// Fewer where each of many engines starts processes.
const REPEATED = process.env.PERILUNE_TEST_ISOLATION ? 4 : 20

test('workers that alone have the addon are ended with all in flight', () => {
  const { stdout } = child(
    // Nobody else keeps the addon's code where it is.
    `${worker(`${BUSY}; engine.function('ready', () => parentPort.postMessage(1)); begin('host.ready()')`)}
    ;(async () => {
      for (let n = 0; n < ${REPEATED}; n++) {
        const workers = await Promise.all([start(), start()])
        await Promise.all(workers.map((worker) => worker.terminate()))
      }
      console.log('done')
    })()`,
    { isBare: true },
  )
  assert.equal(stdout, 'done\n')
})

test('so are those beside a main thread that goes on', () => {
  const { stdout } = child(`
    const engine = new perilune.Engine({ poolSize: 2 })
    engine.function('add', async (a, b) => a + b)
    const script = engine.compile('return host.add(1, 2)')
    ${worker(`${BUSY}; parentPort.postMessage(1)`)}
    ;(async () => {
      for (let n = 0; n < ${REPEATED}; n++) {
        const workers = await Promise.all([start(), start(), start()])
        const runs = Promise.all(Array.from({ length: 20 }, () => script.run()))
        await Promise.all(workers.map((worker) => worker.terminate()))
        for (const trace of await runs) if (trace.value !== 3) throw new Error(JSON.stringify(trace))
      }
      console.log('done')
    })()`)
  assert.equal(stdout, 'done\n')
})

test('a worker is ended within a synchronous run, and its endless runs end with it', () => {
  const { stdout } = child(`
    ${worker(`
      const engine = new perilune.Engine({ poolSize: 2, timeout: 3_600_000, queue: 3_600_000 })
      engine.function('begin', () => parentPort.postMessage(1))
      engine.compile('while true do end').run()
      engine.compile('host.begin() while true do pcall(function() while true do end end) end').runSync()`)}
    const { existsSync, readdirSync } = require('node:fs')
    const threads = () => (existsSync('/proc/self/task') ? readdirSync('/proc/self/task').length : 0)
    const before = threads()
    start().then((worker) => worker.terminate()).then(async (code) => {
      // Its engine's threads go when no run needs them.
      while (threads() > before) await new Promise(setImmediate)
      console.log('ended', code)
    })`)
  assert.equal(stdout, 'ended 1\n')
})

test('a worker ends by itself', () => {
  const ends = [
    ['parentPort.postMessage(1); parentPort.close()', 0],
    ['parentPort.postMessage(1); engine.function("exit", () => process.exit(3)); engine.compile("host.exit()").run()', 3],
    ['parentPort.postMessage(1); engine.function("exit", () => process.exit(3)); engine.compile("while true do pcall(host.exit) end").runSync()', 3],
    ['parentPort.postMessage(1); process.exit(4)', 4],
  ]
  for (const [source, code] of ends) {
    const { stdout } = child(`
      ${worker(`const engine = new perilune.Engine({ poolSize: 1 }); ${source}`)}
      start().then((worker) => worker.ended).then(console.log)`)
    assert.equal(stdout, `${code}\n`, source)
  }
})

const exits = [
  ['at once', BUSY + 'process.exit()'],
  ['from the loop', BUSY + 'setImmediate(() => setImmediate(() => process.exit()))'],
  ['in a function', BUSY + "engine.function('exit', () => process.exit()); begin('host.exit()')"],
  ['in a function of a synchronous run', BUSY + "engine.function('exit', () => process.exit()); engine.compile('host.exit()').runSync()"],
  [
    'in a function that a synchronous run lets be called',
    `const engine = new perilune.Engine({ poolSize: 1, queue: 60_000 })
     engine.function('begin', () => setImmediate(() => engine.compile('return 1').runSync()))
     engine.function('exit', () => process.exit())
     engine.compile('host.begin() host.exit()').run()`,
  ],
  ['in a callback of a watch', `${BUSY} engine.watch(path, () => process.exit())`],
  ['after a run', "new perilune.Engine().compile('return 1').run().then(() => process.exit())"],
  ['of itself, nothing being left to do', "new perilune.Engine().compile('return 1').runSync()"],
  ['of itself, with a watch', "new perilune.Engine().watch(require('node:fs').mkdtempSync(require('node:os').tmpdir() + '/perilune-'))"],
]
for (const [name, source] of exits) {
  test(`a process ends ${name}`, () => {
    for (let n = 0; n < REPEATED / 4; n++) child(source)
  })
}

test('a process that is killed by its own exception says so', () => {
  const { stderr } = child(`${BUSY} setImmediate(() => { throw new Error('mine') })`, { code: 1 })
  assert.match(stderr, /mine/)
})
