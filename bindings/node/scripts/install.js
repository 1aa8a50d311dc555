// Builds the addon, unless a platform package has it: Rust's part with cargo, one C file with the C compiler. Nothing is downloaded but by
// cargo, from crates.io.
'use strict'

const { execFileSync } = require('node:child_process')
const { existsSync, mkdirSync } = require('node:fs')
const { dirname, join } = require('node:path')

const here = join(__dirname, '..')
// A tarball carries the Rust sources in `rust/`; in a checkout they are two levels up.
const vendored = join(here, 'rust')
const root = existsSync(vendored) ? vendored : join(here, '..', '..')

function platformPackage() {
  const report = process.report && process.report.getReport()
  const libc = process.platform !== 'linux' ? '' : report && report.header.glibcVersionRuntime ? '-gnu' : '-musl'
  return `@perilune/${process.platform}-${process.arch}${libc}`
}

function has(module) {
  try {
    require.resolve(module, { paths: [here] })
    return true
  } catch {
    return false
  }
}

/** Where node_api.h is. */
function headers() {
  if (has('node-api-headers')) return require(require.resolve('node-api-headers', { paths: [here] })).include_dir
  const beside = join(dirname(process.execPath), '..', 'include', 'node')
  if (existsSync(join(beside, 'node_api.h'))) return beside
  throw new Error('node_api.h is missing: install the package node-api-headers beside this one')
}

function run(program, args, options) {
  try {
    execFileSync(program, args, { stdio: 'inherit', ...options })
  } catch (error) {
    if (error.code === 'ENOENT') {
      const where = program.includes('cargo')
        ? 'its engine is Rust: install it from https://rustup.rs (1.91 or later), or set CARGO'
        : 'install a C and C++ compiler (Debian: apt-get install g++), or set CC'
      throw new Error(`${program} is missing: ${where}`)
    }
    throw new Error(`${program} failed`)
  }
}

function build() {
  const target = process.env.CARGO_TARGET_DIR || join(root, 'target')
  run(process.env.CARGO || 'cargo', ['build', '--release', '--locked', '-p', 'perilune-library'], {
    cwd: root,
    env: { ...process.env, CARGO_TARGET_DIR: target },
  })
  mkdirSync(join(here, 'build'), { recursive: true })
  const isMac = process.platform === 'darwin'
  run(process.env.CC || 'cc', [
    '-shared', '-fPIC', '-std=c11', '-O2', '-Wall', '-Wextra', '-fvisibility=hidden', '-pthread',
    '-I', headers(), '-I', join(root, 'include'),
    join(here, 'src', 'addon.c'), join(target, 'release', 'libperilune.a'),
    // Names of Luau's and Rust's stay inside: other addons may have their own.
    ...(isMac
      ? ['-undefined', 'dynamic_lookup', '-lc++']
      : ['-Wl,--exclude-libs,ALL', '-Wl,--gc-sections', '-Wl,-s', '-lstdc++', '-lm', '-ldl']),
    '-o', join(here, 'build', 'perilune.node'),
  ])
}

if (process.env.PERILUNE_BUILD !== '1' && has(platformPackage())) process.exit(0)
try {
  build()
} catch (error) {
  console.error(`perilune: ${error.message}`)
  process.exit(1)
}
