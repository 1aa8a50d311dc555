#!/usr/bin/env node
/** The command: what it takes, prints and exits with is the same as of the Rust command `perilune`, which doesn't serve. */
export {};
