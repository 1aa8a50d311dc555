#!/usr/bin/env node
/** `npx perilune serve`: what it takes, prints and exits with, as long as the command itself does not serve. */
export {};
