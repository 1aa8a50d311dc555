// What several tests need.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const checkout = fileURLToPath(new URL('../../..', import.meta.url))
const require = createRequire(import.meta.url)
export const { native } = require('../dist/native.js')
export const cjs = require('../dist/index.js')

/** Runs a program in a Node of its own, which must end with this code. */
export function child(source, { code = 0, isBare = false } = {}) {
  const program = isBare ? source : `const perilune = require(${JSON.stringify(root)});\n${source}`
  const done = spawnSync(process.execPath, ['--expose-gc', '-e', program], { encoding: 'utf8', timeout: 60_000 })
  assert.equal(done.status, code, `${done.signal}\n${done.stdout}\n${done.stderr}\n${source}`)
  return done
}

/** A promise, and what settles it. */
export function gate() {
  const made = {}
  made.promise = new Promise((resolve, reject) => Object.assign(made, { open: resolve, fail: reject }))
  return made
}

/** Collects garbage until something is so: what a round frees can be what kept other things. */
export async function collected(isSo) {
  for (let round = 0; round < 100; round++) {
    globalThis.gc()
    await new Promise(setImmediate)
    if (isSo()) return true
  }
  return false
}

/** A rejection with an error of this class, whose message has this text. */
export const rejects = (promise, type, text) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof type, error.stack)
    assert.ok(error.message.includes(text), `${JSON.stringify(error.message)} has no ${JSON.stringify(text)}`)
    return true
  })
