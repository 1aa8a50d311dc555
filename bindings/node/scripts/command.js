// Prints where the command is.
'use strict'

const { join } = require('node:path')
const { commandOf } = require('../dist/platform.js')

const command = commandOf(join(__dirname, '..'))
if (command === undefined) {
  console.error('perilune: the command was not built, nor is there a package that has it: install perilune anew, with scripts allowed')
  process.exit(1)
}
console.log(command)
