// Before `npm pack`: copies what the addon is built of into `rust/`; after it, by `pack.js remove`, takes it away.
'use strict'

const { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } = require('node:fs')
const { basename, dirname, join } = require('node:path')

const here = join(__dirname, '..')
const root = join(here, '..', '..')
const rust = join(here, 'rust')
const license = join(here, 'LICENSE')

function copy() {
  // The workspace as it is: without one of its members, the lock file would not be that of the manifest.
  const manifest = readFileSync(join(root, 'Cargo.toml'), 'utf8')
  const members = [.../^members = \[([^\]]*)\]/m.exec(manifest)[1].matchAll(/"(.*?)"/g)].map(([, member]) => member)
  remove()
  for (const name of ['Cargo.toml', 'Cargo.lock', 'include', 'README.md', 'LICENSE', ...members]) {
    if (!existsSync(join(root, name))) continue
    mkdirSync(dirname(join(rust, name)), { recursive: true })
    cpSync(join(root, name), join(rust, name), { recursive: true, filter: (path) => basename(path) !== 'target' })
  }
  copyFileSync(join(root, 'LICENSE'), license)
}

function remove() {
  for (const path of [rust, license]) rmSync(path, { recursive: true, force: true })
}

if (require.main === module) process.argv[2] === 'remove' ? remove() : copy()
module.exports = { copy, remove }
