// What must agree: sources and dist/, types and what is there, the addon and the interface that TypeScript has of it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import * as esm from '../index.mjs'
import { cjs, native, root } from './helpers.mjs'

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const run = (...args) => execFileSync(process.execPath, [tsc, ...args], { cwd: root, encoding: 'utf8' })
const files = (folder, ext = '') =>
  Object.fromEntries(readdirSync(folder).filter((name) => name.endsWith(ext)).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))

test('dist/ is what tsc makes of src/', () => {
  const made = mkdtempSync(join(tmpdir(), 'perilune-'))
  run('-p', '.', '--outDir', made)
  assert.deepEqual(files(join(root, 'dist')), files(made))
})

test('no module of src/ imports itself, not even for a type and by way of others', () => {
  const imports = new Map(Object.entries(files(join(root, 'src'), '.ts')).map(([name, text]) => [
    name.slice(0, -'.ts'.length),
    [...text.matchAll(/\b(?:from|import)\b[ (]*'\.\/(\w+)(?:\.js)?'/g)].map(([, other]) => other),
  ]))
  assert.ok(imports.get('engine').includes('native') && imports.get('fastify').includes('engine'))
  const follow = (path) => {
    const from = path.indexOf(path.at(-1))
    assert.equal(from, path.length - 1, `a circle: ${path.slice(from).join(' -> ')}`)
    for (const other of imports.get(path.at(-1))) follow([...path, other])
  }
  for (const name of imports.keys()) follow([name])
})

for (const [module, ext] of [['commonjs', 'cts'], ['es', 'mts']]) {
  test(`the API as users write it, in a module of ${module}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'perilune-'))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules', 'perilune'))
    for (const name of ['@types', 'fastify']) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    const sources = ['types', 'types-fastify'].map((name) => {
      cpSync(join(root, 'test', `${name}.ts`), join(folder, `${name}.${ext}`))
      return join(folder, `${name}.${ext}`)
    })
    try {
      run('--strict', '--noEmit', '--target', 'es2022', '--module', 'node16', '--types', 'node', ...sources)
    } catch (error) {
      assert.fail(error.stdout)
    }
  })
}

test('both kinds of modules have the same', () => {
  assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort())
  for (const name in cjs) assert.equal(esm[name], cjs[name])
})

test('the addon and the interface of it have the same functions', () => {
  const source = readFileSync(join(root, 'src', 'native.ts'), 'utf8')
  const body = /export interface Native \{([^]*?)\n\}/.exec(source)[1]
  const declared = [...body.matchAll(/^ {2}(\w+)[(:]/gm)].map(([, name]) => name)
  assert.deepEqual(declared.sort(), Object.keys(native).sort())
})

test('the version is one', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  assert.equal(version, native.version)
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  assert.equal(lock.version, version)
})

/** Code blocks of the README run as they are, each in a program of its own; what a comment behind console.log says is what it writes. */
const readme = readFileSync(join(root, 'README.md'), 'utf8')
for (const [at, [, language, code]] of [...readme.matchAll(/^```(js|mjs|cjs|ts)\n([^]*?)^```$/gm)].entries()) {
  const title = code.split('\n').find((line) => !line.startsWith('import') && line.trim()) ?? ''
  const needs = /from '(express|fastify|\.\/\w+\.js)'/.exec(code)?.[1]
  test(`README, block ${at + 1}: ${title}`, { skip: needs && `needs ${needs}` }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'perilune-'))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules', 'perilune'))
    mkdirSync(join(folder, 'scripts'))
    writeFileSync(join(folder, 'scripts', 'hello.lua'), "print('Hello', ARGS.monster)")
    const file = join(folder, `example.${language === 'js' ? 'mjs' : language}`)
    writeFileSync(file, code)
    const stdout = execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' })
    const expected = [...code.matchAll(/console\.log\(.*\),? \/\/ (.*)/g)].map(([, text]) => text)
    assert.deepEqual(stdout.trim().split('\n').filter(Boolean), expected)
  })
}
