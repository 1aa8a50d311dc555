// Builds the addon and the command, unless a platform package has them: Rust's part with cargo, the C files with the C compiler. Nothing is
// downloaded but by cargo, from crates.io.
'use strict'

const { execFileSync } = require('node:child_process')
const { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { prebuilt } = require('../dist/platform.js')

const here = join(__dirname, '..')
// In a checkout the Rust sources are two levels up; a tarball carries them in `rust/`.
const checkout = join(here, '..', '..')
const isCheckout = existsSync(join(checkout, 'ffi', 'library', 'Cargo.toml'))
const addon = join(here, 'src', 'addon')
const root = isCheckout ? checkout : join(here, 'rust')

/** Where node_api.h is. */
function headers() {
  try {
    return require(require.resolve('node-api-headers', { paths: [here] })).include_dir
  } catch {
    // Node's own archives have it; Linux distributions' packages do not.
  }
  const beside = join(dirname(process.execPath), '..', 'include', 'node')
  if (existsSync(join(beside, 'node_api.h'))) return beside
  throw new Error('node_api.h is missing: install the package node-api-headers beside this one')
}

const HINTS = {
  cargo: 'its engine is Rust: install it from https://rustup.rs (1.91 or later), or set CARGO',
  cc: 'install a C and a C++ compiler (Debian: apt-get install g++), or set CC and CXX',
}

function run(program, kind, args, options) {
  try {
    execFileSync(program, args, { stdio: 'inherit', ...options })
  } catch (error) {
    throw new Error(error.code === 'ENOENT' ? `${program} is missing: ${HINTS[kind]}` : `${program} failed`)
  }
}

function build() {
  const compiler = process.env.CC || 'cc'
  // Before cargo works for a minute.
  run(compiler, 'cc', ['--version'], { stdio: 'ignore' })
  const target = process.env.CARGO_TARGET_DIR || join(root, 'target')
  run(process.env.CARGO || 'cargo', 'cargo', ['build', '--release', '--locked', '--quiet', '-p', 'perilune-library', '-p', 'perilune-cli'], {
    cwd: root,
    env: { ...process.env, CARGO_TARGET_DIR: target },
  })
  mkdirSync(join(here, 'build'), { recursive: true })
  const output = join(here, 'build', 'perilune.node')
  const isMac = process.platform === 'darwin'
  run(compiler, 'cc', [
    '-shared', '-fPIC', '-std=c11', '-O2', '-Wall', '-Wextra', '-fvisibility=hidden', '-pthread',
    '-I', headers(), '-I', join(root, 'include'),
    ...readdirSync(addon).filter((name) => name.endsWith('.c')).map((name) => join(addon, name)), join(target, 'release', 'libperilune.a'),
    ...(isMac
      ? ['-undefined', 'dynamic_lookup', '-lc++']
      : [
          // Names of Luau's and Rust's stay inside: other addons may have their own.
          '-Wl,--exclude-libs,ALL', '-Wl,--gc-sections', '-Wl,-s',
          // The engine's threads outlive a worker, with which Node would take their code away.
          '-Wl,-z,nodelete',
          '-lstdc++', '-lm', '-ldl',
        ]),
    '-o', `${output}.new`,
  ])
  const command = join(here, 'build', 'perilune')
  copyFileSync(join(target, 'release', 'perilune'), `${command}.new`)
  // Processes may be using the old ones.
  for (const made of [output, command]) renameSync(`${made}.new`, made)
  // Hundreds of megabytes that nobody needs any more.
  if (!isCheckout && !process.env.CARGO_TARGET_DIR) rmSync(target, { recursive: true })
}

try {
  if (prebuilt(here) === undefined) build()
} catch (error) {
  console.error(`perilune: ${error.message}`)
  process.exit(1)
}
