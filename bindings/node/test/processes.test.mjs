// Runs in worker processes. That all else is as it is in this process: test/run makes other tests run in them too.
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { Engine } from '../index.mjs'
import { child, gate, root } from './helpers.mjs'

/** The worker processes of this process. */
function workers() {
  return readdirSync('/proc').filter((pid) => {
    try {
      const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))
      return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--perilune-worker')
    } catch {
      // It is no process, or has ended.
      return false
    }
  })
}

/** Kills them; the one that compiles comes again as those do that run. */
const kill = () => workers().forEach((pid) => process.kill(Number(pid), 'SIGKILL'))

for (const isolation of [undefined, 'none']) {
  test(`there are no workers: ${isolation}`, () => {
    const before = workers()
    assert.equal(new Engine({ poolSize: 1, isolation }).compile('return 1').runSync().value, 1)
    assert.deepEqual(workers(), before)
  })
}

test('an isolation that there is not', () => {
  for (const isolation of ['processes', '', null, true, {}]) {
    assert.throws(() => new Engine({ isolation }), { name: 'TypeError', message: "isolation: pass 'process' or 'none'" })
  }
})

test('workers are as is said', () => {
  const workers = { maxRuns: 1, maxAge: 3_600_000, backoff: 0, spin: 0, requireSandbox: false }
  const engine = new Engine({ poolSize: 1, isolation: 'process', workers })
  const script = engine.compile('return GET.a')
  for (const tenant of ['acme', Buffer.from('acme'), undefined]) {
    assert.equal(script.runSync({ query: 'a=1', tenant }).value, '1')
  }
  assert.ok(engine.metrics().vms.retired >= 3)
  const sandbox = engine.sandbox()
  assert.deepEqual(Object.keys(sandbox), ['systemCalls', 'files', 'namespaces', 'resources'])
  assert.equal(sandbox.systemCalls, null)
  assert.equal(new Engine().sandbox(), undefined)
  const whole = () => new Engine({ isolation: 'process', workers: { requireSandbox: true } }).sandbox()
  if (Object.values(sandbox).every((part) => part === null)) assert.deepEqual(whole(), sandbox)
  else assert.throws(whole, /its sandbox is not whole/)

  for (const [options, message] of [
    [{ workers: {} }, /they are for isolation: 'process'/],
    [{ isolation: 'process', workers: { maxRuns: 0 } }, /maxRuns: pass an integer from 1 on/],
    [{ isolation: 'process', workers: { maxAge: -1 } }, /maxAge/],
    [{ isolation: 'process', workers: { max: 1 } }, /workers have no option max/],
  ]) {
    assert.throws(() => new Engine(options), message)
  }
})

test('a worker serves one tenant', async () => {
  const engine = new Engine({ poolSize: 1, isolation: 'process' })
  const script = engine.compile('return 1')
  // How many were replaced, once there is the one that was used last and a spare one.
  const retired = async () => {
    while (engine.metrics().vms.ready < 2) await new Promise(setImmediate)
    return engine.metrics().vms.retired
  }
  for (const [replaced, tenant] of ['acme', Buffer.from('other'), undefined, '', 'acme'].entries()) {
    assert.ok(script.runSync({ tenant }).ok)
    assert.equal(await retired(), replaced)
    assert.ok((await script.run({ tenant })).ok)
    assert.deepEqual((await script.runBatch([{ tenant }, { tenant }])).map(({ status }) => status), ['success', 'success'])
    assert.equal(await retired(), replaced, `${tenant} comes back`)
  }
})

test('a worker that is killed costs its run', async () => {
  const engine = new Engine({ poolSize: 1, isolation: 'process', workers: { backoff: 0 } })
  const script = engine.compile('host.begin() while true do end', { name: 'endless' })
  const next = engine.compile('return 42')
  const check = (trace) => {
    assert.deepEqual([trace.status, trace.ok, trace.error.kind], ['crashed', false, 'crashed'])
    assert.equal(trace.error.message, 'the worker of endless ended: signal 9')
    assert.equal(trace.toJSON().status, 'crashed')
    assert.throws(() => trace.throwIfFailed(), { name: 'RunError', kind: 'crashed', message: trace.error.message })
  }
  for (let round = 0; round < 3; round++) {
    const begun = gate()
    engine.function('begin', begun.open)
    const run = script.run()
    await begun.promise
    kill()
    check(await run)
    assert.equal((await next.run()).value, 42)
    // Within a function, which is called in this process, the worker can be killed by the thread that waits for it.
    engine.function('begin', kill)
    check(script.runSync())
    assert.equal(next.runSync().value, 42)
  }
  assert.equal(engine.metrics().runs.crashed, 6)
})

test('what is left of a batch is made by another worker', async () => {
  const engine = new Engine({ poolSize: 1, isolation: 'process' })
  engine.function('stop', (n) => n === 2 && kill())
  const results = await engine.compile('host.stop(tonumber(GET.n)) return GET.n').runBatch([1, 2, 3, 4].map((n) => ({ get: { n } })))
  assert.deepEqual(results.map(({ status }) => status), ['success', 'crashed', 'success', 'success'])
})

/** Whether a process goes on: one that has ended, and that nobody waits for, has no command line. */
function isAlive(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0
  } catch {
    return false
  }
}

test('workers end with their process, however it ends', async () => {
  for (const end of ['process.exit()', "process.kill(process.pid, 'SIGKILL')", '']) {
    const { stdout } = child(
      `const { readdirSync, readFileSync, writeSync } = require('node:fs')
       ${workers}
       const engine = new perilune.Engine({ poolSize: 1, isolation: 'process' })
       engine.function('stop', () => {
         writeSync(1, JSON.stringify(workers()))
         ${end}
       })
       engine.compile('host.stop()').runSync()`,
      { code: end.includes('SIGKILL') ? null : 0 },
    )
    const pids = JSON.parse(stdout)
    assert.ok(pids.length > 0)
    while (pids.some(isAlive)) await new Promise(setImmediate)
  }
})

test('a command that is missing is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'perilune-'))
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  mkdirSync(join(folder, 'build'))
  cpSync(join(root, 'build', 'perilune.node'), join(folder, 'build', 'perilune.node'))
  const { stdout } = child(
    `const { Engine } = require(${JSON.stringify(join(folder, 'dist', 'index.js'))})
     console.log(new Engine({ poolSize: 1 }).compile('return 42').runSync().value)
     try {
       new Engine({ isolation: 'process' })
     } catch (error) {
       console.log(error.name, error.message)
     }`,
    { isBare: true },
  )
  assert.match(stdout, /^42\nPeriluneError isolation: the command perilune, [^\n]* is missing beside the addon: install perilune anew, [^\n]*\n$/)
})
