#!/usr/bin/env node
/** `npx perilune serve`: what it takes, prints and exits with, as long as the command itself does not serve. */

import { readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { getSystemErrorMap } from 'node:util'

import { parse, Refused, usage, type Arguments, type Input } from './args'
import { Engine } from './engine'
import { PeriluneError } from './errors'

/** Exit code of usage, and when it can't serve. */
const REFUSED = 2

/** What the system says, as other programs write it. */
function reasonOf({ errno = 0, message }: NodeJS.ErrnoException): string {
  const text = getSystemErrorMap().get(errno)?.[1] ?? message
  return `${text.charAt(0).toUpperCase()}${text.slice(1)} (os error ${-errno})`
}

/** What users know an input by. */
const pathOf = (input: Input) => input.file ?? 'stdin'

function read(input: Input): Buffer {
  if (input.text !== undefined) return Buffer.from(input.text)
  try {
    return readFileSync(input.file ?? 0)
  } catch (error) {
    throw new Refused(`perilune: can't read ${pathOf(input)}: ${reasonOf(error as NodeJS.ErrnoException)}`)
  }
}

/** All of it, also where the stream takes only a part at a time. */
function write(to: 1 | 2, text: string): void {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(to, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

/** A reader that has gone, as `head` does, wants no more: that is no error. */
function print(text: string): void {
  try {
    write(1, text)
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    if (failure.code !== 'EPIPE') throw new Refused(`perilune: can't write to stdout: ${reasonOf(failure)}`)
  }
}

function complain(reason: string): void {
  try {
    write(2, `${reason.replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')}\n`)
  } catch {
    // Nobody is left to tell.
  }
}

/** The module that serves, which needs packages that others don't. */
async function serving(): Promise<typeof import('./serve')> {
  try {
    return await import('./serve.js')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    throw new Refused('perilune: serve needs fastify and @fastify/busboy: npm install fastify @fastify/busboy')
  }
}

async function serve(given: Arguments): Promise<number> {
  if (given.key.length === 0) throw usage('the following required arguments were not provided: --key <KEY|@FILE>')
  const { endpointsApp, Links, metricsApp, serve, watch } = await serving()
  const keys = given.key.flatMap((key) => read(key).toString().split('\n')).map((key) => key.trim()).filter((key) => key !== '')
  if (keys.length === 0) throw new Refused(`perilune: no key in ${pathOf(given.key[0] as Input)}: write one in each line`)
  const directory = given.files[0]?.file ?? '-'
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw new Refused(`perilune: can't read ${directory}: it is no folder`)

  const { timeout, memory, output, rate } = given
  const engine = new Engine({ timeout, memory, output })
  const path = join(directory, '.public_links.json')
  const apps = []
  try {
    apps.push(await endpointsApp({ engine, keys, public: given.public.length > 0 ? new Links(path, given.public) : [], rate }))
  } catch (error) {
    if (error instanceof PeriluneError) throw error
    const failure = error as NodeJS.ErrnoException
    throw new Refused(`perilune: can't read the public links in ${path}: ${failure.errno === undefined ? failure.message : reasonOf(failure)}`)
  }
  if (given['metrics-port'] !== undefined) apps.push(await metricsApp(engine))

  watch(engine, directory, complain)

  const host = given.host || '127.0.0.1'
  for (const [at, app] of apps.entries()) {
    const port = at > 0 ? given['metrics-port'] : (given.port ?? 8080)
    try {
      await app.listen({ host, port })
    } catch (error) {
      // Those that listen would keep the process.
      await Promise.all(apps.map((app) => app.close()))
      throw new Refused(`perilune: can't listen on ${host}:${port}: ${reasonOf(error as NodeJS.ErrnoException)}`)
    }
  }
  await serve(directory, apps, print)
  // Runs under way are nobody's any more.
  process.exit(0)
}

async function main(argv: string[]): Promise<number> {
  try {
    const parsed = parse(argv)
    if (typeof parsed === 'string') {
      print(parsed)
      return 0
    }
    return await serve(parsed[1])
  } catch (error) {
    if (error instanceof Refused) {
      complain(error.message)
    } else if (error instanceof PeriluneError) {
      complain(`perilune: ${error.message}`)
    } else {
      throw error
    }
    return REFUSED
  }
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code
})
