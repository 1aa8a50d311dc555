// To be required before a test file: its engines, those of its children and of its worker threads too, make runs in worker processes.
'use strict'

const made = require('../dist/engine.js')

made.Engine = class Engine extends made.Engine {
  constructor(options) {
    super({ isolation: 'process', ...options })
  }
}
