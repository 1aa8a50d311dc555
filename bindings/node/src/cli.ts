#!/usr/bin/env node
/** The command: what it takes, prints and exits with is the same as of the Rust command `perilune`, which doesn't serve. */

import { readFileSync, statSync, writeSync } from 'node:fs'
import { join, parse as parsePath } from 'node:path'
import { isatty } from 'node:tty'
import { getSystemErrorMap } from 'node:util'

import { isStdin, parse, Refused, usage, type Arguments, type Input } from './args'
import { measure, WARM_UP } from './bench'
import { Engine, type Script } from './engine'
import { CompileError, PayloadError, PeriluneError } from './errors'
import { indent, jsonOf, oneLine } from './json'
import { type RunRequest } from './script'

/** Exit code of a run whose status is not success; its trace was printed. */
const NOT_A_SUCCESS = 1
/** Exit code when there is no trace: usage, an unreadable file, a compile error, a bad payload. */
const REFUSED = 2

/** What the system says, as other programs write it. */
function reasonOf({ errno = 0, message }: NodeJS.ErrnoException): string {
  const text = getSystemErrorMap().get(errno)?.[1] ?? message
  return `${text.charAt(0).toUpperCase()}${text.slice(1)} (os error ${-errno})`
}

/** What users know an input by. */
const pathOf = (input: Input) => input.file ?? 'stdin'

/** What errors and traces call the script. */
const nameOf = (input: Input) => parsePath(pathOf(input)).name

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
    write(2, `${oneLine(reason)}\n`)
  } catch {
    // Nobody is left to tell.
  }
}

/** Refuses what would read stdin twice, before anybody waits for it. */
function atMostOneStdin(inputs: (Input | undefined)[]): void {
  if (inputs.filter((input) => input && isStdin(input)).length > 1) {
    throw new Refused('perilune: stdin can be read once: give - in one place, files in the others')
  }
}

/** The path leads to the file where the script's name does not. */
function compiling<T>(path: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    if (error instanceof CompileError) throw new Refused(`${path}:${error.line}: ${error.reason}`)
    throw error
  }
}

/** The query with `pairs` behind it, escaped as far as decoding would change them. No key has a `=`. */
function withPairs(query: string, pairs: [string, string][]): string {
  const escape = (text: string) => text.replace(/[%&+]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return [...(query ? [query] : []), ...pairs.map(([key, value]) => `${escape(key)}=${escape(value)}`)].join('&')
}

/** Reads all that the arguments name, and compiles the script in an engine of its own. */
function prepare(given: Arguments): [Script, RunRequest, path: string] {
  const { timeout, memory, output, post, config, meta } = given
  const [file] = given.files as [Input]
  atMostOneStdin([file, post, config, meta])
  // An engine's limits, unlike a run's, can be above the default.
  const engine = new Engine({ poolSize: 1, timeout, memory, output })
  for (const [name, path] of given.module) {
    const source = read({ file: path })
    compiling(path, () => engine.module(name, source))
  }
  const source = read(file)
  const script = compiling(pathOf(file), () => engine.compile(source, { name: nameOf(file) }))
  const request = {
    query: withPairs(given.query ?? '', given.get),
    post: post && read(post),
    form: given.form,
    config: config && read(config),
    meta: meta && read(meta),
    seed: given.seed,
  }
  return [script, request, pathOf(file)]
}

function run(given: Arguments): number {
  const [script, request] = prepare(given)
  const trace = script.runSync(request)
  const json = jsonOf(trace)
  print(`${isatty(1) ? indent(json) : json}\n`)
  return trace.ok ? 0 : NOT_A_SUCCESS
}

/** Looks at every file, whatever comes of those before it. */
function check(given: Arguments): number {
  atMostOneStdin(given.files)
  const engine = new Engine()
  let code = 0
  for (const file of given.files) {
    try {
      for (const { severity, line, column, message } of engine.check(read(file), { name: nameOf(file) })) {
        const isWarning = severity === 'warning'
        if (given.format === 'json') print(`${JSON.stringify({ column, file: pathOf(file), line, message, severity })}\n`)
        else complain(`${pathOf(file)}:${line}: ${isWarning ? 'warning: ' : ''}${message}`)
        code = Math.max(code, !isWarning ? REFUSED : given['deny-warnings'] ? NOT_A_SUCCESS : 0)
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      complain(error.message)
      code = REFUSED
    }
  }
  return code
}

function bench(given: Arguments): number {
  const [script, request, path] = prepare(given)
  const seconds = given.seconds ?? 3
  const warm = measure(script, request, Math.min(WARM_UP, seconds), 'warming up')
  // A script that fails now and then can be measured all the same; how long it takes to always fail misleads.
  if (warm.failed === warm.runs) {
    complain(`${path}: ${warm.failures()}; nothing was measured`)
    return NOT_A_SUCCESS
  }
  const measured = measure(script, request, seconds, 'measuring')
  print(measured.report(path))
  if (measured.failed === 0) return 0
  complain(`${path}: ${measured.failures()}`)
  return NOT_A_SUCCESS
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

const COMMANDS: Record<string, (given: Arguments) => number | Promise<number>> = { run, check, bench, serve }

async function main(argv: string[]): Promise<number> {
  try {
    const parsed = parse(argv)
    if (typeof parsed === 'string') {
      print(parsed)
      return 0
    }
    const [command, given] = parsed
    return await (COMMANDS[command.name] as (given: Arguments) => number | Promise<number>)(given)
  } catch (error) {
    if (error instanceof Refused) {
      complain(error.message)
    } else if (error instanceof PeriluneError) {
      complain(`perilune: ${error instanceof PayloadError && error.part === 'body' ? 'POST: ' : ''}${error.message}`)
    } else {
      throw error
    }
    return REFUSED
  }
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code
})
