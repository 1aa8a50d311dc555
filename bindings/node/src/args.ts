/** What `serve` takes. What is wrong with it is said in the words of the Rust command. */

import { native } from './native'

/** Why it can't serve; its text is for stderr. */
export class Refused extends Error {}

export const usage = (reason: string): Refused => new Refused(`perilune: ${reason}; see --help`)

/** Where keys come from: a file, or a text. */
export interface Input {
  file?: string
  text?: string
}

/** What was given. */
export interface Arguments {
  files: Input[]
  timeout?: number
  memory?: number
  output?: number
  key: Input[]
  host?: string
  port?: number
  public: string[]
  rate?: number
  'metrics-port'?: number
}

interface Option {
  name: keyof Arguments
  /** None: there is nothing to give but its name. */
  value?: string
  read: (text: string) => unknown
  help: string
  isList?: true
}

export interface Command {
  name: string
  about: string
  exit: string
  file: { value: string; help: string; isList?: true }
  options: Option[]
}

const LARGEST = 2n ** 64n - 1n

const text = (given: string) => given

const script = (given: string): Input => (given === '-' ? {} : { file: given })

function whole(given: string): bigint {
  const number = /^\+?[0-9]+$/.test(given) ? BigInt(given.replace('+', '')) : LARGEST + 1n
  if (number > LARGEST) throw new Error(`give a whole number from 0 to ${LARGEST}`)
  return number
}

const count = (given: string) => Number(whole(given))

const size = (given: string) => native.parseBytes(given)

function positive(given: string, what: string): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given) ? Number(given) : 0
  if (!(number > 0 && number < 2 ** 64)) throw new Error(`give a number of ${what}`)
  return number
}

const rate = (given: string) => positive(given, 'runs a second above 0')

function port(given: string): number {
  if (!/^[0-9]{1,5}$/.test(given) || Number(given) > 65535) throw new Error('give a port from 0 to 65535')
  return Number(given)
}

function key(given: string): Input {
  if (/^@*$/.test(given)) throw new Error('give a key, or @ and the name of a file with one in each line')
  return given.startsWith('@') ? { file: given.slice(1) } : { text: given }
}

function endpoint(given: string): string {
  if (!/^[^/]+\/[^/]+$/.test(given)) throw new Error('give an instance and a name, as in moonbase/hello')
  return given
}

const LIMITS: Option[] = [
  { name: 'timeout', value: '<MS>', read: count, help: 'Wall clock for one run, in milliseconds [default: 30000]' },
  { name: 'memory', value: '<BYTES>', read: size, help: 'Memory for one run: a number, or one with KiB, MiB or GiB behind it [default: 64MiB]' },
  { name: 'output', value: '<BYTES>', read: size, help: 'Captured stdout and stderr, each [default: 512KiB]' },
]
const COMMANDS: Command[] = [
  {
    name: 'serve',
    about:
      "Serves the scripts DIR/INSTANCE/NAME.lua over HTTP, as Syncano's Script Endpoints, and keeps them as the files are; a line FILE:LINE: REASON on stderr for each that does not compile",
    exit: "0 it was told to end, by SIGINT or SIGTERM; 2 usage, or it can't serve: one line on stderr.",
    file: { value: '<DIR>', help: 'The folder of the scripts, with a folder for each instance' },
    options: [
      {
        name: 'key', value: '<KEY|@FILE>', read: key, isList: true,
        help: 'A key that requests must have, or @FILE to read them from a file, one in each line; can be repeated',
      },
      { name: 'host', value: '<HOST>', read: text, help: 'The address to listen at [default: 127.0.0.1]' },
      { name: 'port', value: '<PORT>', read: port, help: 'The port to listen at; 0 takes a free one [default: 8080]' },
      {
        name: 'public', value: '<INSTANCE/NAME>', read: endpoint, isList: true,
        help: 'A script that can be run without a key, at its public link; can be repeated',
      },
      { name: 'rate', value: '<N>', read: rate, help: 'Runs a second of each instance [default: no limit]' },
      { name: 'metrics-port', value: '<PORT>', read: port, help: 'Serves /metrics and /healthz at this port, without a key' },
      ...LIMITS,
    ],
  },
]

const label = (option: Option) => (option.value === undefined ? `--${option.name}` : `--${option.name} ${option.value}`)
const fileLabel = ({ file }: Command) => (file.isList ? `${file.value}...` : file.value)

/** How many letters two words differ in. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const [over, left, up] = [row[j - 1], next[j - 1], row[j]] as [number, number, number]
      next.push(Math.min(over + (a[i - 1] === b[j - 1] ? 0 : 1), left + 1, up + 1))
    }
    row = next
  }
  return row[b.length] as number
}

function similar(what: string, given: string, known: string[]): string {
  const found = known.find((name) => distance(given, name) <= Math.min(2, name.replace('--', '').length / 3))
  return found === undefined ? '' : `; tip: a similar ${what} exists: '${found}'`
}

/** Lines of at most 100 characters. */
function wrap(given: string, indentation: string): string {
  const lines = ['']
  for (const word of given.split(' ')) {
    const last = lines.at(-1) as string
    if (last && last.length + word.length + indentation.length >= 100) lines.push(word)
    else lines[lines.length - 1] = last ? `${last} ${word}` : word
  }
  return lines.map((line) => indentation + line).join('\n')
}

function help(command: Command | undefined): string {
  if (!command) {
    const commands = COMMANDS.map(({ name, about }) => `  ${name}\n${wrap(about, '      ')}`)
    return [
      'Runs untrusted Luau scripts: a script and a request in, a trace out',
      'Usage: perilune <COMMAND>',
      `Commands:\n${commands.join('\n')}`,
      'Options:\n  -h, --help\n      Print help, also of a command\n  -V, --version\n      Print version\n',
    ].join('\n\n')
  }
  const options = command.options.map((option) => `  ${label(option)}\n${wrap(option.help, '      ')}`)
  return [
    wrap(command.about, ''),
    `Usage: perilune ${command.name} ${options.length > 0 ? '[OPTIONS] ' : ''}${fileLabel(command)}`,
    `Arguments:\n  ${fileLabel(command)}\n${wrap(command.file.help, '      ')}`,
    `Options:\n${[...options, '  -h, --help\n      Print help'].join('\n')}`,
    `${wrap(`Exit code: ${command.exit}`, '')}\n`,
  ].join('\n\n')
}

function value(option: Option, given: string): unknown {
  try {
    return option.read(given)
  } catch (error) {
    throw usage(`invalid value '${given}' for '${label(option)}': ${(error as Error).message}`)
  }
}

/** What can follow an option as its value: what looks like another one only behind a `=`. */
const isValue = (given: string | undefined) => given !== undefined && (!given.startsWith('-') || /^-(\d+(\.\d*)?)?$/.test(given))

/** A command and what it was given, or a text to print. */
export function parse(argv: string[]): [Command, Arguments] | string {
  const names = COMMANDS.map(({ name }) => name)
  let [first, ...rest] = argv
  if (first === 'help') [first, rest] = rest.length > 0 ? [rest[0], ['--help']] : ['--help', []]
  if (first === undefined) {
    throw usage(`'perilune' requires a subcommand but one was not provided [subcommands: ${names.join(', ')}, help]`)
  }
  if (first === '-h' || first === '--help') return help(undefined)
  if (first === '-V' || first === '--version') return `perilune ${native.version}\n`
  const command = COMMANDS.find(({ name }) => name === first)
  if (!command) {
    if (first.startsWith('-')) throw usage(`unexpected argument '${first}' found`)
    throw usage(`unrecognized subcommand '${first}'${similar('subcommand', first, names)}`)
  }

  const given: Arguments = { files: [], key: [], public: [] }
  let areFiles = false
  while (rest.length > 0) {
    const argument = rest.shift() as string
    if (!areFiles && argument === '--') {
      areFiles = true
    } else if (areFiles || isValue(argument)) {
      if (!command.file.isList && given.files.length > 0) throw usage(`unexpected argument '${argument}' found`)
      if (argument === '') throw usage(`a value is required for '${fileLabel(command)}' but none was supplied`)
      given.files.push(script(argument))
    } else if (argument === '-h' || argument === '--help') {
      return help(command)
    } else {
      const [, name, own] = /^([^=]*)(?:=([^]*))?$/.exec(argument) as unknown as [string, string, string | undefined]
      const option = command.options.find((option) => `--${option.name}` === name)
      if (!option) throw usage(`unexpected argument '${name}' found${similar('argument', name, command.options.map(({ name }) => `--${name}`))}`)
      const isFlag = option.value === undefined
      if (isFlag && own !== undefined) throw usage(`unexpected value '${own}' for '${label(option)}' found; no more were expected`)
      if (!isFlag && own === undefined && !isValue(rest[0])) throw usage(`a value is required for '${label(option)}' but none was supplied`)
      const read = value(option, own ?? (isFlag ? '' : (rest.shift() as string)))
      if (option.isList) {
        ;(given[option.name] as unknown[]).push(read)
      } else if (option.name in given) {
        throw usage(`the argument '${label(option)}' cannot be used multiple times`)
      } else {
        Object.assign(given, { [option.name]: read })
      }
    }
  }
  if (given.files.length === 0) throw usage(`the following required arguments were not provided: ${fileLabel(command)}`)
  return [command, given]
}
