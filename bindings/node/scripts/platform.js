// Makes the packages of a release, from the addon and the command that were built here:
//
//     node scripts/platform.js FOLDER                    FOLDER/linux-x64-gnu, the package with those of this machine
//     node scripts/platform.js FOLDER linux-x64-gnu …    FOLDER/perilune, which names such packages, built on as many machines
'use strict'

const { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { copy, remove } = require('./pack.js')

const here = join(__dirname, '..')
const main = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
const [folder, ...platforms] = process.argv.slice(2)

function write(name, manifest) {
  const to = join(folder, name)
  mkdirSync(to, { recursive: true })
  writeFileSync(join(to, 'package.json'), JSON.stringify(manifest, undefined, 2) + '\n')
  copyFileSync(join(here, '..', '..', 'LICENSE'), join(to, 'LICENSE'))
  return to
}

if (!folder) {
  console.error('usage: node scripts/platform.js FOLDER [PLATFORM…]')
  process.exit(2)
} else if (platforms.length === 0) {
  const { platform, arch } = process
  const isGlibc = process.report.getReport().header.glibcVersionRuntime !== undefined
  const libc = platform === 'linux' ? (isGlibc ? 'glibc' : 'musl') : undefined
  const suffix = { glibc: '-gnu', musl: '-musl' }[libc] ?? ''
  const to = write(`${platform}-${arch}${suffix}`, {
    name: `@perilune/${platform}-${arch}${suffix}`,
    version: main.version,
    description: `The addon and the command of perilune for ${platform}-${arch}${suffix}`,
    license: main.license,
    os: [platform],
    cpu: [arch],
    ...(libc && { libc: [libc] }),
    main: 'perilune.node',
    files: ['perilune.node', 'perilune'],
  })
  for (const file of ['perilune.node', 'perilune']) copyFileSync(join(here, 'build', file), join(to, file))
} else {
  const { scripts, devDependencies, optionalDependencies, ...rest } = main
  const named = Object.fromEntries(platforms.map((platform) => [`@perilune/${platform}`, main.version]))
  const to = write('perilune', { ...rest, scripts: { install: scripts.install }, optionalDependencies: { ...named, ...optionalDependencies } })
  // For machines that none of them is for, it carries the sources too.
  copy()
  for (const file of main.files) cpSync(join(here, file), join(to, file), { recursive: true })
  remove()
}
