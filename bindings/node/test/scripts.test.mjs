// Named scripts, modules, directories, and what an engine says of itself.
import assert from 'node:assert/strict'
import { once, EventEmitter } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { CompileError, Engine, PeriluneError, Script, ScriptNotFound } from '../index.mjs'

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'perilune-'))
  mkdirSync(join(path, 'shop'))
  writeFileSync(join(path, 'shop', 'price.lua'), 'return 1')
  writeFileSync(join(path, 'broken.lua'), 'return +')
  return path
}

test('named scripts', async () => {
  const engine = new Engine({ poolSize: 1 })
  const { scripts } = engine
  assert.equal(scripts.set('shop/price', 'return 1').set('shop/price', 'return 2').set('a', Buffer.from('return 3')), scripts)
  assert.deepEqual([engine.runSync('shop/price').value, (await engine.run('shop/price')).version], [2, 2])
  assert.deepEqual([[...scripts.keys()], scripts.size, scripts.has('a'), scripts.has('b')], [['a', 'shop/price'], 2, true, false])
  assert.deepEqual([...scripts].map(([name, script]) => [name, script.version]), [['a', 1], ['shop/price', 2]])
  const a = scripts.get('a')
  assert.ok(a instanceof Script)
  assert.deepEqual([a.name, a.source, a.hash.length, a.engine], ['a', 'return 3', 64, engine])
  assert.throws(() => scripts.set('a', 'return +'), CompileError)
  assert.throws(() => scripts.set('', ''), CompileError)
  assert.equal(engine.runSync('a', { query: 'x=1' }).value, 3)
  assert.deepEqual([scripts.delete('a'), scripts.delete('a'), scripts.get('a')], [true, false, undefined])
  assert.throws(() => engine.runSync('a'), ScriptNotFound)
  // A handle stays the version that it was.
  assert.equal(a.runSync().value, 3)
})

test('modules', async () => {
  const engine = new Engine({ poolSize: 1 })
  assert.equal(engine.module('util', 'return { double = function(n) return 2 * n end }'), engine)
  assert.equal((await engine.compile("return require('util').double(4)").run()).value, 8)
  assert.throws(() => engine.module('util', 'return +'), CompileError)
  assert.match(engine.compile("require('none')").runSync().error.message, /no module 'none'/)
})

test('check and metrics', () => {
  const engine = new Engine({ poolSize: 1 })
  assert.deepEqual(
    engine.check('local x = \nreturn 1', { name: 'a' }).map(({ severity, line }) => [severity, line]),
    [['error', 2]],
  )
  assert.deepEqual(engine.check('prnt(1)'), [{ severity: 'warning', line: 1, column: 1, message: 'prnt is not there: did you mean print?' }])
  engine.compile('return 1').runSync()
  assert.throws(() => engine.compile('return +'))
  const metrics = engine.metrics()
  assert.deepEqual([metrics.runs.success, metrics.compiles.failed], [1, 1])
  assert.ok(engine.prometheus().includes('perilune_runs_total{status="success"} 1'))
})

test('a directory is loaded once', () => {
  const engine = new Engine({ poolSize: 1 })
  const path = folder()
  const { loaded, removed, failed } = engine.scripts.loadDir(path)
  assert.deepEqual([loaded, removed], [['shop/price'], []])
  assert.equal(failed.length, 1)
  assert.equal(failed[0].path, join(path, 'broken.lua'))
  assert.ok(failed[0].error instanceof CompileError && failed[0].error.line === 1)
  assert.deepEqual(engine.scripts.loadDir(path).loaded, [])
  assert.throws(() => engine.scripts.loadDir(join(path, 'none')), PeriluneError)
})

test('a directory is watched', async () => {
  const engine = new Engine({ poolSize: 1 })
  const path = folder()
  const changes = new EventEmitter()
  // A watch does not keep the process alive.
  const alive = setInterval(() => {}, 1000)
  const watch = engine.watch(path, (report) => changes.emit('change', report))
  const [first] = await once(changes, 'change')
  assert.deepEqual([first.loaded, first.failed.map((failed) => failed.error.constructor)], [['shop/price'], [CompileError]])
  assert.equal(engine.runSync('shop/price').value, 1)

  const edits = [
    [() => writeFileSync(join(path, 'shop', 'price.lua'), 'return 2'), { loaded: ['shop/price'], removed: [] }, 2],
    [() => writeFileSync(join(path, 'shop', 'price.lua'), 'return ('), { loaded: [], removed: [] }, 2],
    [() => rmSync(join(path, 'shop', 'price.lua')), { loaded: [], removed: ['shop/price'] }, undefined],
  ]
  for (const [edit, expected, value] of edits) {
    const told = once(changes, 'change')
    edit()
    const [{ loaded, removed }] = await told
    assert.deepEqual({ loaded, removed }, expected)
    assert.equal(engine.scripts.get('shop/price')?.runSync().value, value)
  }
  clearInterval(alive)
  watch.close()
  watch.close()
  assert.throws(() => engine.watch(join(path, 'none')), PeriluneError)
})

test('a watch may be closed by its own callback, and with its engine', async () => {
  const engine = new Engine({ poolSize: 1 })
  let told = 0
  await new Promise((done) => {
    const watch = engine.watch(folder(), () => {
      told++
      watch.close()
      done()
    })
    setImmediate(() => {})
  })
  engine.watch(folder(), () => told++)
  engine.close()
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  assert.equal(told, 1)
})

test('what belongs together is disposed of together', { skip: Symbol.dispose === undefined }, () => {
  const engine = new Engine({ poolSize: 1 })
  engine.watch(folder())[Symbol.dispose]()
  engine[Symbol.dispose]()
  assert.throws(() => engine.compile(''), PeriluneError)
})
