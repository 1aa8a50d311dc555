// Before `npm pack`: copies what the addon is built of into `rust/`. A release that names platform packages carries it too, for machines that
// have none.
'use strict'

const { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } = require('node:fs')
const { basename, dirname, join } = require('node:path')

const here = join(__dirname, '..')
const root = join(here, '..', '..')
const rust = join(here, 'rust')

// The workspace as it is: without one of its members, the lock file would not be that of the manifest.
const manifest = readFileSync(join(root, 'Cargo.toml'), 'utf8')
const members = [.../^members = \[([^\]]*)\]/m.exec(manifest)[1].matchAll(/"(.*?)"/g)].map(([, member]) => member)

rmSync(rust, { recursive: true, force: true })
for (const name of ['Cargo.toml', 'Cargo.lock', '.cargo', 'include', 'README.md', 'LICENSE', ...members]) {
  if (!existsSync(join(root, name))) continue
  mkdirSync(dirname(join(rust, name)), { recursive: true })
  cpSync(join(root, name), join(rust, name), { recursive: true, filter: (path) => basename(path) !== 'target' })
}
copyFileSync(join(root, 'LICENSE'), join(here, 'LICENSE'))
