// The command: what it takes, prints and exits with. The cases are those of the Rust command.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { version } from '../index.mjs'
import { root } from './helpers.mjs'

const require = createRequire(import.meta.url)
const { indent } = require('../dist/json.js')
const { Measured, time } = require('../dist/bench.js')

const VIEW = `
    local seen = {}
    for name, part in { get = GET, post = POST, config = CONFIG, meta = META } do
        seen[name] = if next(part) then part else nil
    end
    return seen`
const FILES = {
  'view.lua': VIEW,
  'hello.v2.lua': "print('Hello', ARGS.monster) warn('low') return 1",
  'fails.lua': "print('so far')\nerror('boom\\nand more')",
  'endless.lua': 'while true do end',
  'moody.lua': "if math.random() < 0.1 then error('moody') end",
  'random.lua': 'return math.random(1, 2^40)',
  'keeps.lua': "local s = string.rep('x', 100 * 2^20) return #s",
  'prints.lua': "print(string.rep('x', 700 * 1024))",
  'empty.lua': '',
  'requires.lua': "return require('util').name .. require('a/b')",
  'util.lua': "return {name = 'util'}",
  'letter.lua': "return 'b'",
  'unfinished.lua': 'local a = 1\n\nlocal b = = 2\n',
  'unclosed.lua': 'while true do',
  'broken.lua': 'function a()\n  x = = 1\nend\n\nfunction b()\n  goto done\nend\nprnt(1)',
  'doubtful.lua': 'local n = 1\nif n == 1 then prnt(n) end\nreturn math.type(n)',
  'latin.lua': Buffer.from("-- one\nprint('\xe9')", 'latin1'),
  'nul.lua': "print('\0')",
  'body.json': '{"n": 1}',
  'latin.json': Buffer.from('{"a": "\xe9"}', 'latin1'),
}
const folder = mkdtempSync(join(tmpdir(), 'perilune-'))
mkdirSync(join(folder, 'folder.lua'))
for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content)

const cli = join(root, 'dist', 'cli.js')

function perilune(args, { input = '', stdout = 'pipe', stderr = 'pipe' } = {}) {
  const done = spawnSync(process.execPath, [cli, ...args], { cwd: folder, input, stdio: ['pipe', stdout, stderr], encoding: 'utf8', maxBuffer: 1 << 24 })
  return { code: done.status, stdout: done.stdout, stderr: done.stderr }
}

/** The trace of a run that printed one, on one line, and nothing else. */
function trace(done, code) {
  assert.deepEqual([done.code, done.stderr], [code, ''], JSON.stringify(done))
  assert.match(done.stdout, /^[^\n]*\n$/)
  return JSON.parse(done.stdout)
}

/** The one line of a command that was refused. */
function refused(done) {
  assert.deepEqual([done.code, done.stdout ?? ''], [2, ''], JSON.stringify(done))
  assert.match(done.stderr, /^[^\n]*\n$/)
  return done.stderr.trimEnd()
}

const views = [
  [[], '', {}],
  [['--query', 'a=%20+&b=%zz&flag'], '', { get: { a: '  ', b: '%zz', flag: '' } }],
  [['--get', 'a=1', '--get', 'b=x=%20+&y;ü', '--get', '=', '--get', 'a=2'], '', { get: { a: '2', b: 'x=%20+&y;ü', '': '' } }],
  [
    ['--get', 'a&+%3D=1', '--query', 'a=q&b=q', '--get=-b=2', '--get', 'b=get'], '',
    { get: { 'a&+%3D': '1', a: 'q', b: 'get', '-b': '2' } },
  ],
  [['--post', '{"a": [1, null]}'], '', { post: { a: [1, null] } }],
  [['--post', '@body.json'], '', { post: { n: 1 } }],
  [['--post', '-'], '{"in": 1}', { post: { in: 1 } }],
  [['--post', '-'], '', {}],
  [['--post', ''], '', {}],
  [['--form', 'a=1&b=%26'], '', { post: { a: '1', b: '&' } }],
  [['--form', '@body.json'], '', { post: { '@body.json': '' } }],
  [['--config', '{"c": 1}', '--meta', '{"m": true}'], '', { config: { c: 1 }, meta: { m: true } }],
  [['--config', '@body.json', '--meta', '-'], '{"in": 1}', { config: { n: 1 }, meta: { in: 1 } }],
]
for (const [options, input, expected] of views) {
  test(`a script sees ${options.join(' ')}`, () => {
    for (const args of [['run', ...options, 'view.lua'], ['run', 'view.lua', ...options]]) {
      assert.deepEqual(trace(perilune(args, { input }), 0).result.value, expected)
    }
  })
}

test('modules', () => {
  const modules = ['--module', 'util=util.lua', '--module', 'a/b=letter.lua']
  assert.equal(trace(perilune(['run', 'requires.lua', ...modules]), 0).result.value, 'utilb')
  assert.equal(trace(perilune(['run', 'requires.lua']), 1).error.message, "requires:1: there is no module 'util': the host registered none")
})

test("a trace is one line with the seed's keys first", () => {
  const done = perilune(['run', 'hello.v2.lua', '--get', 'monster=Manticore'])
  assert.match(done.stdout, /^\{"status":"success","duration":\d+,"result":\{.*\},"executed_at":".*","id":1,/)
  const { result, script } = trace(done, 0)
  assert.deepEqual([result, script], [{ stderr: 'low\n', stdout: 'Hello\tManticore\n', value: 1 }, 'hello.v2'])
})

test('a script from stdin is called so', () => {
  const { script, error, result } = trace(perilune(['run', '-', '--post', '{"n": 2}'], { input: "print(POST.n)\nerror('no')" }), 1)
  assert.deepEqual([script, error.message, result.stdout], ['stdin', 'stdin:2: no', '2\n'])
})

const statuses = [
  [['fails.lua'], 'failure', 'fails:2: boom\nand more'],
  [['endless.lua', '--timeout', '20'], 'timeout', 'the run did not end within its timeout of 20 ms'],
  [['keeps.lua'], 'memory_limit', 'the run needed more memory than its limit of 67108864 bytes'],
  [['keeps.lua', '--memory', '1MiB'], 'memory_limit', 'the run needed more memory than its limit of 1048576 bytes'],
  [['empty.lua', '--timeout', '0'], 'timeout', 'the run did not end within its timeout of 0 ms'],
  [['view.lua', '--memory', '0'], 'memory_limit', 'the run needed more memory than its limit of 0 bytes'],
]
for (const [args, status, message] of statuses) {
  test(`another status: ${args.join(' ')}`, () => {
    const made = trace(perilune(['run', ...args]), 1)
    assert.deepEqual([made.status, made.error.message], [status, message])
  })
}

test('limits can be above the default', () => {
  const largest = String(2n ** 64n - 1n)
  assert.equal(trace(perilune(['run', 'keeps.lua', '--memory', '256MiB']), 0).result.value, 100 << 20)
  trace(perilune(['run', 'empty.lua', '--timeout', largest, '--memory', largest, '--output', largest]), 0)
  for (const [output, length] of [[[], 512 << 10], [['--output', '1 MiB'], (700 << 10) + 1], [['--output', '10'], 10]]) {
    const { result } = trace(perilune(['run', 'prints.lua', ...output]), 0)
    assert.deepEqual([result.stdout.length, result.stdout_truncated === true], [length, length <= 512 << 10])
  }
})

test('a seed repeats the numbers', () => {
  const number = (seed) => trace(perilune(['run', 'random.lua', '--seed', seed]), 0).result.value
  assert.equal(number('7'), number('7'))
  assert.notEqual(number('7'), number('18446744073709551615'))
})

const TWICE = 'perilune: stdin can be read once: give - in one place, files in the others'
const WHOLE = 'give a whole number from 0 to 18446744073709551615; see --help'
const NOT_JSON = 'perilune: POST: JSON parse error - …'
// A case that ends in … is compared to that point: what follows is the system's.
const lines = [
  [[], "perilune: 'perilune' requires a subcommand but one was not provided [subcommands: run, check, bench, serve, help]; see --help"],
  [['frob'], "perilune: unrecognized subcommand 'frob'; see --help"],
  [['runn'], "perilune: unrecognized subcommand 'runn'; tip: a similar subcommand exists: 'run'; see --help"],
  [['-x'], "perilune: unexpected argument '-x' found; see --help"],
  [['run'], 'perilune: the following required arguments were not provided: <FILE|->; see --help'],
  [['check'], 'perilune: the following required arguments were not provided: <FILE>...; see --help'],
  [['bench'], 'perilune: the following required arguments were not provided: <FILE|->; see --help'],
  [['run', ''], "perilune: a value is required for '<FILE|->' but none was supplied; see --help"],
  [['check', '', 'view.lua'], "perilune: a value is required for '<FILE>...' but none was supplied; see --help"],
  [['run', 'view.lua', 'empty.lua'], "perilune: unexpected argument 'empty.lua' found; see --help"],
  [['run', 'view.lua', '--pst', '{}'], "perilune: unexpected argument '--pst' found; tip: a similar argument exists: '--post'; see --help"],
  [['run', 'view.lua', '--see', '1'], "perilune: unexpected argument '--see' found; tip: a similar argument exists: '--seed'; see --help"],
  [['run', 'view.lua', '--seconds\n\nUsage: 1'], "perilune: unexpected argument '--seconds…"],
  [['run', 'view.lua', '--seed', '1', '--seed', '2'], "perilune: the argument '--seed <N>' cannot be used multiple times; see --help"],
  [['run', 'view.lua', '--query=', '--query='], "perilune: the argument '--query <QUERY>' cannot be used multiple times; see --help"],
  [['run', 'view.lua', '--post', '{}', '--form', 'a'], "perilune: the argument '--post <JSON|@FILE|->' cannot be used with '--form <FORM>'; see --help"],
  [
    ['run', 'view.lua', '--get', 'monster'],
    "perilune: invalid value 'monster' for '--get <K=V>': a = must stand between key and value, as in monster=1; see --help",
  ],
  [['run', 'view.lua', '--get'], "perilune: a value is required for '--get <K=V>' but none was supplied; see --help"],
  [['run', 'view.lua', '--get', '--post'], "perilune: a value is required for '--get <K=V>' but none was supplied; see --help"],
  [['run', 'view.lua', '--seed', '-1'], `perilune: invalid value '-1' for '--seed <N>': ${WHOLE}`],
  [['run', 'view.lua', '--seed', '18446744073709551616'], `perilune: invalid value '18446744073709551616' for '--seed <N>': ${WHOLE}`],
  [['run', 'view.lua', '--timeout', '1s'], `perilune: invalid value '1s' for '--timeout <MS>': ${WHOLE}`],
  [['run', 'view.lua', '--timeout='], `perilune: invalid value '' for '--timeout <MS>': ${WHOLE}`],
  [
    ['run', 'view.lua', '--memory', '64 parsecs'],
    "perilune: invalid value '64 parsecs' for '--memory <BYTES>': \"64 parsecs\" is not a size in bytes: give a whole number, or one with KiB, MiB or GiB behind it; see --help",
  ],
  [['run', 'view.lua', '--memory', '99999999999GiB'], "perilune: invalid value '99999999999GiB' for '--memory…"],
  [['run', 'view.lua', '--output', '-1'], "perilune: invalid value '-1' for '--output <BYTES>': \"-1\" is…"],
  [['run', 'view.lua', '--post', '@'], "perilune: invalid value '@' for '--post <JSON|@FILE|->': a file's name must follow the @; see --help"],
  [['run', 'view.lua', '--module', 'util'], "perilune: invalid value 'util' for '--module <NAME=FILE>': a = must…"],
  ...['0', '-1', 'nan', '1e99', ''].map((given) => [
    ['bench', 'view.lua', `--seconds=${given}`],
    `perilune: invalid value '${given}' for '--seconds <S>': give a number of seconds above 0, such as 0.5 or 10; see --help`,
  ]),
  [['run', '-', '--post', '-'], TWICE],
  [['run', '-', '--config', '-'], TWICE],
  [['bench', '-', '--meta', '-'], TWICE],
  [['run', 'missing.lua', '--post', '-', '--meta', '-'], TWICE],
  [['check', '-', 'empty.lua', '-'], TWICE],
  [['run', 'missing.lua'], "perilune: can't read missing.lua: No such file or directory (os error 2)"],
  [['run', 'missing\n\x1b[31m.lua'], "perilune: can't read missing  [31m.lua: …"],
  [['bench', 'missing.lua'], "perilune: can't read missing.lua: …"],
  [['check', 'missing.lua'], "perilune: can't read missing.lua: …"],
  [['run', '-5'], "perilune: can't read -5: …"],
  [['run', '--', '-x.lua'], "perilune: can't read -x.lua: …"],
  [['run', 'folder.lua'], "perilune: can't read folder.lua: …"],
  [['run', 'view.lua', '--post', '@missing.json'], "perilune: can't read missing.json: …"],
  [['run', 'view.lua', '--config', '@folder.lua'], "perilune: can't read folder.lua: …"],
  [['run', 'view.lua', '--module', 'util=nowhere.lua'], "perilune: can't read nowhere.lua: …"],
  [['run', 'unfinished.lua'], "unfinished.lua:3: Expected identifier when parsing expression, got '='"],
  [['bench', './unfinished.lua'], "./unfinished.lua:3: Expected identifier when parsing expression, got '='"],
  [['run', 'view.lua', '--module', 'util=unfinished.lua'], "unfinished.lua:3: Expected identifier when parsing expression, got '='"],
  [['run', 'latin.lua'], 'latin.lua:2: the source is not UTF-8'],
  [['run', 'nul.lua'], 'nul.lua:1: the source has a NUL byte'],
  [['run', 'view.lua', '--post', '[1]'], 'perilune: POST: JSON parse error - Expecting object: line 1 column 1 (char 0)'],
  [['run', 'view.lua', '--post', 'nonsense'], NOT_JSON],
  [['run', 'view.lua', '--post', '@latin.json'], NOT_JSON],
  [['bench', 'view.lua', '--post', '{'], NOT_JSON],
  [['run', 'view.lua', '--config', '{'], 'perilune: CONFIG: JSON parse error - …'],
  [['run', 'view.lua', '--meta', '{\n"a" 1}'], 'perilune: META: JSON parse error - …'],
  [['run', 'view.lua', '--post', '@-'], "perilune: can't read -: …"],
  [['run', 'view.lua', ...Array(9).fill(['--get', `a=${'x'.repeat(64 << 10)}`]).flat()], 'perilune: Request size limit exceeded (524288).'],
]
for (const [args, expected] of lines) {
  test(`one line: ${args.join(' ').slice(0, 60)}`, () => {
    const line = refused(perilune(args))
    if (expected.endsWith('…')) assert.ok(line.startsWith(expected.slice(0, -1)), line)
    else assert.equal(line, expected)
  })
}

test('check looks at every file', () => {
  assert.deepEqual(perilune(['check', 'view.lua', 'empty.lua', 'endless.lua']), { code: 0, stdout: '', stderr: '' })
  assert.deepEqual(perilune(['check', '-'], { input: VIEW }), { code: 0, stdout: '', stderr: '' })
  const absolute = join(folder, 'latin.lua')
  const done = perilune(['check', 'unfinished.lua', 'view.lua', 'missing.lua', './unclosed.lua', absolute, 'empty.lua'])
  const expected = [
    "unfinished.lua:3: Expected identifier when parsing expression, got '='",
    "perilune: can't read missing.lua: ",
    "./unclosed.lua:1: Expected 'end'",
    `${absolute}:2: the source is not UTF-8`,
  ]
  const found = done.stderr.trimEnd().split('\n')
  assert.deepEqual([done.code, done.stdout, found.length], [2, '', expected.length])
  expected.forEach((text, at) => assert.ok(found[at].startsWith(text), found[at]))
})

test('check tells every error, and warns where there is none', () => {
  const warnings =
    'doubtful.lua:2: warning: prnt is not there: did you mean print?\n' +
    'doubtful.lua:3: warning: math.type is not in Luau: all numbers are doubles; use x % 1 == 0\n'
  const errors =
    "broken.lua:2: Expected identifier when parsing expression, got '='\n" +
    'broken.lua:6: Incomplete statement: expected assignment or a function call (Luau has no goto: use continue, break or a function)\n'
  assert.deepEqual(perilune(['check', 'doubtful.lua']), { code: 0, stdout: '', stderr: warnings })
  assert.deepEqual(perilune(['check', 'broken.lua', 'doubtful.lua']), { code: 2, stdout: '', stderr: errors + warnings })
  assert.deepEqual(perilune(['check', '--deny-warnings', 'doubtful.lua']), { code: 1, stdout: '', stderr: warnings })
  assert.deepEqual(perilune(['check', 'doubtful.lua', '--deny-warnings', 'broken.lua']), { code: 2, stdout: '', stderr: warnings + errors })
  const done = perilune(['check', '--format', 'json', 'broken.lua', 'doubtful.lua'])
  const found = done.stdout.trimEnd().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual([done.code, done.stderr], [2, ''])
  assert.deepEqual(
    found.map(({ file, line, column, severity }) => [file, line, column, severity]),
    [['broken.lua', 2, 7, 'error'], ['broken.lua', 6, 3, 'error'], ['doubtful.lua', 2, 16, 'warning'], ['doubtful.lua', 3, 8, 'warning']],
  )
  assert.equal(found[2].message, 'prnt is not there: did you mean print?')
})

test('bench prints a histogram', () => {
  const done = perilune(['bench', 'hello.v2.lua', '--get', 'monster=Manticore', '--seconds', '0.01'])
  // No progress either: stderr is no terminal.
  assert.deepEqual([done.code, done.stderr], [0, ''])
  assert.match(done.stdout, /^hello\.v2\.lua: \d+ runs in .*, \d+ runs per second on one thread\n\n/)
  assert.ok(done.stdout.includes(`  ${'#'.repeat(40)}  `))
  const tail = done.stdout.trimEnd().split('\n').slice(-5).map((line) => line.trim().split(/ +/))
  assert.deepEqual(tail.map(([name]) => name), ['p50', 'p90', 'p99', 'p99.9', 'max'])
  assert.ok(tail.every(([, , unit]) => ['ns', 'µs', 'ms', 's'].includes(unit)))
})

test('bench says which runs failed', () => {
  let done = perilune(['bench', 'fails.lua', '--seconds', '0.01'])
  assert.deepEqual([done.code, done.stdout], [1, ''])
  assert.match(done.stderr, /^fails\.lua: (\d+) of \1 runs did not succeed, the first with failure: fails:2: boom; nothing was measured\n$/)
  // A script that fails now and then is measured.
  done = perilune(['bench', 'moody.lua', '--seconds', '0.3'])
  assert.equal(done.code, 1)
  assert.ok(done.stdout.includes('p99.9'))
  assert.match(done.stderr, /^[^\n]* did not succeed, the first with failure: moody:1: moody\n$/)
})

const RUN = ['--query', '--get', '--post', '--form', '--config', '--meta', '--seed', '--timeout', '--memory', '--output', '<FILE|->', 'Exit code']
const helps = [
  [['--version'], [`perilune ${version}\n`]],
  [['--help'], ['run', 'check', 'bench', 'serve']],
  [['help'], ['run', 'check', 'bench', 'serve']],
  [['serve', '--help'], ['--key', '--host', '--port', '--public', '--rate', '--metrics-port', '--timeout', '--memory', '--output']],
  [['help', 'run'], RUN],
  [['run', '--help'], RUN],
  [['bench', '--help'], [...RUN, '--seconds']],
  [['check', '-h'], ['<FILE>', 'FILE:LINE: REASON', 'FILE:LINE: warning: ', 'Exit code: 0 all compile']],
]
for (const [args, parts] of helps) {
  test(`help: ${args.join(' ')}`, () => {
    const { code, stdout, stderr } = perilune(args)
    assert.deepEqual([code, stderr], [0, ''])
    for (const part of parts) assert.ok(stdout.includes(part), stdout)
  })
}

test('a reader that has gone is no error', () => {
  for (const [command, code] of [['run prints.lua', 0], ['run fails.lua', 1], ['bench empty.lua --seconds 0.01', 0], ['run --help', 0]]) {
    // The reader ends before the writer begins.
    const script = `mkfifo gone && { true < gone & exec 3> gone; wait; rm gone; '${process.execPath}' '${cli}' ${command} >&3; }`
    const done = spawnSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8', timeout: 20_000 })
    assert.deepEqual([done.status, done.stderr], [code, ''], command)
  }
})

test('a full disk is told', { skip: !existsSync('/dev/full') }, () => {
  const full = openSync('/dev/full', 'w')
  assert.match(refused(perilune(['run', 'empty.lua'], { stdout: full })), /^perilune: can't write to stdout: No space left on device \(os error 28\)$/)
  closeSync(full)
})

const indented = [
  ['{}', '{}'],
  ['[]', '[]'],
  ['"a"', '"a"'],
  ['{"z":1,"a":{}}', '{\n  "z": 1,\n  "a": {}\n}'],
  ['[1e300,-0.0,[true,null]]', '[\n  1e300,\n  -0.0,\n  [\n    true,\n    null\n  ]\n]'],
  ['["\x7f\x9b31m"]', '[\n  "\\u007f\\u009b31m"\n]'],
  // What looks like a token in a string is none; a quote and a backslash may be escaped in it.
  ['{"{,:\\"[":"}]\\\\","ü":[""]}', '{\n  "{,:\\"[": "}]\\\\",\n  "ü": [\n    ""\n  ]\n}'],
]
for (const [json, expected] of indented) test(`indented: ${json}`, () => assert.equal(indent(json), expected))

function measured(latencies, elapsed) {
  const made = new Measured()
  for (const latency of latencies) made.add(latency)
  made.elapsed = elapsed ?? made.elapsed
  return made
}

test('a report has rate, rows and percentiles', () => {
  // 98 runs from 1.01 to 1.98 µs, and two slow ones.
  const latencies = [...Array.from({ length: 98 }, (_, n) => 1_010 + 10 * n), 2_000, 3_000_000]
  const lines = measured(latencies, 2e9).report('moon.lua').trimEnd().split('\n')
  assert.equal(lines[0], 'moon.lua: 100 runs in 2.00 s, 50 runs per second on one thread')
  assert.deepEqual(lines[2].trim().split(/ +/).slice(0, 3), ['to', '1.11', 'µs'])
  assert.ok(lines[2].includes('#'.repeat(30)))
  assert.equal(lines[12], `  to   3.00 ms  ${'####'.padEnd(40)}  1`)
  const tail = ['p50     1.50 µs', 'p90     1.90 µs', 'p99     2.00 µs', 'p99.9   3.00 ms', 'max     3.00 ms']
  assert.deepEqual(lines.slice(14).map((line) => line.trim()), tail)
})

for (const latencies of [[1], [5], [7_777], [1, 3.6e12], Array.from({ length: 5_000 }, (_, n) => n * n)]) {
  test(`every one of ${latencies.length} runs is in a row`, () => {
    const rows = measured(latencies).rows()
    assert.equal(rows.reduce((sum, [, runs]) => sum + runs, 0), latencies.length)
    assert.ok(rows[0][1] > 0)
    assert.deepEqual(rows, [...rows].sort(([a], [b]) => a - b))
  })
}

test('times have units', () => {
  const cases = [[0, '0 ns'], [999, '999 ns'], [1_000, '1.00 µs'], [12_345, '12.35 µs'], [1_500_000, '1.50 ms'], [61e9, '61.00 s']]
  for (const [nanoseconds, text] of cases) assert.equal(time(nanoseconds), text)
})
