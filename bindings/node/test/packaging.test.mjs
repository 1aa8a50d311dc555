// Installing: from the directory, from a tarball that is built by its user, and from those of a release, which need no compiler.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'

import { checkout, root } from './helpers.mjs'

const env = { ...process.env, CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? join(checkout, 'target') }
const which = (program) => execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
const npm = (cwd, ...args) => spawnSync('npm', [...args, '--no-audit', '--no-fund', '--foreground-scripts'], { cwd, env, encoding: 'utf8' })

/** A folder of programs, and no others. */
function path(...programs) {
  const folder = mkdtempSync(join(tmpdir(), 'perilune-'))
  for (const program of programs) symlinkSync(which(program), join(folder, program))
  symlinkSync(process.execPath, join(folder, 'node'))
  return folder
}

function project() {
  const folder = mkdtempSync(join(tmpdir(), 'perilune-'))
  writeFileSync(join(folder, 'package.json'), '{"name": "user", "private": true}')
  return folder
}

/** All that a user has: both kinds of modules, and the command. */
function works(folder, options = { env }) {
  const once = `(({ Engine }) => console.log(new Engine({ poolSize: 1 }).compile('return 40 + 2').runSync().value))`
  writeFileSync(join(folder, 'a.mjs'), `import * as perilune from 'perilune'\n${once}(perilune)`)
  writeFileSync(join(folder, 'b.cjs'), `${once}(require('perilune'))`)
  writeFileSync(join(folder, 'c.lua'), 'return 42')
  for (const file of ['a.mjs', 'b.cjs']) {
    assert.equal(execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', ...options }), '42\n')
  }
  const command = execFileSync(join(folder, 'node_modules', '.bin', 'perilune'), ['run', 'c.lua'], { cwd: folder, encoding: 'utf8', ...options })
  assert.equal(JSON.parse(command).result.value, 42)
}

function ok(done) {
  assert.equal(done.status, 0, `${done.stdout}\n${done.stderr}`)
  return done
}

/** Packs a package, and returns where its tarball is. */
function pack(folder) {
  const to = mkdtempSync(join(tmpdir(), 'perilune-'))
  ok(npm(folder, 'pack', '--silent', '--pack-destination', to))
  return join(to, readdirSync(to)[0])
}

let tarball
before(() => {
  tarball = pack(root)
})

test('the directory can be installed', () => {
  const folder = project()
  ok(npm(folder, 'install', root))
  works(folder)
})

test('a tarball is built where it is installed', () => {
  const folder = project()
  ok(npm(folder, 'install', tarball))
  works(folder)
  const files = readdirSync(join(folder, 'node_modules', 'perilune'))
  assert.deepEqual(files.sort(), ['LICENSE', 'README.md', 'bin', 'build', 'dist', 'fastify.d.mts', 'fastify.mjs', 'index.d.mts', 'index.mjs', 'package.json', 'rust', 'scripts', 'src'])
  assert.deepEqual(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')), ['node-api-headers', 'perilune'])
})

test('the packages of a release need neither compiler nor cargo', () => {
  const release = mkdtempSync(join(tmpdir(), 'perilune-'))
  const platform = (...args) => execFileSync(process.execPath, [join(root, 'scripts', 'platform.js'), release, ...args])
  platform()
  const [name] = readdirSync(release)
  platform(name, 'plan9-mips')
  const { version, optionalDependencies } = JSON.parse(readFileSync(join(release, 'perilune', 'package.json'), 'utf8'))
  assert.equal(optionalDependencies[`@perilune/${name}`], version)
  const made = JSON.parse(readFileSync(join(release, name, 'package.json'), 'utf8'))
  assert.deepEqual([made.os, made.cpu, made.main], [[process.platform], [process.arch], 'perilune.node'])

  // The registry has neither: both are given, as it would give them.
  const folder = project()
  const bare = { ...env, PATH: path('sh', 'env', 'npm', 'readlink') }
  const tarballs = [name, 'perilune'].map((one) => pack(join(release, one)))
  for (const tarball of tarballs) assert.ok(statSync(tarball).size < 8e6)
  const done = spawnSync(which('npm'), ['install', ...tarballs, '--no-audit', '--no-fund', '--foreground-scripts'], {
    cwd: folder, env: bare, encoding: 'utf8',
  })
  ok(done)
  works(folder, { env: bare })
  assert.ok(!readdirSync(join(folder, 'node_modules', 'perilune')).includes('build'))
})

test('what is missing is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'perilune-'))
  execFileSync('tar', ['-xzf', tarball, '-C', folder])
  const install = (programs) =>
    spawnSync(process.execPath, [join(folder, 'package', 'scripts', 'install.js')], { env: { PATH: path(...programs) }, encoding: 'utf8' })
  const cases = [
    [[], /^perilune: cc is missing: install a C and a C\+\+ compiler \(Debian: apt-get install g\+\+\), or set CC and CXX\n$/],
    [['cc'], /^perilune: cargo is missing: its engine is Rust: install it from https:\/\/rustup\.rs \(1\.91 or later\), or set CARGO\n$/],
  ]
  for (const [programs, text] of cases) {
    const { status, stderr } = install(programs)
    assert.equal(status, 1)
    assert.match(stderr, text)
  }
  // Neither built nor installed.
  const { status, stderr } = spawnSync(process.execPath, ['-e', `require(${JSON.stringify(join(folder, 'package'))})`], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /Error: perilune has no addon for \w+-\w+: /)
  const command = spawnSync(join(folder, 'package', 'bin', 'perilune'), ['--version'], { encoding: 'utf8' })
  assert.equal(command.status, 1)
  assert.match(command.stderr, /^perilune: the command was not built, nor is there a package that has it: [^\n]*\n$/)
})
