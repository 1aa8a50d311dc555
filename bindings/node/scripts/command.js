// Prints where the command of the platform package for this machine is.
'use strict'

const { dirname, join } = require('node:path')
const { prebuilt } = require('../dist/platform.js')

const addon = prebuilt(join(__dirname, '..'))
if (addon === undefined) {
  console.error('perilune: the command was not built, nor is there a package that has it: install perilune anew, with scripts allowed')
  process.exit(1)
}
console.log(join(dirname(addon), 'perilune'))
