// A trace as JSON must be what the engine itself writes: the same keys, in the same order, spelled alike.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'

import { Engine } from '../index.mjs'
import { checkout } from './helpers.mjs'

/** Runs what it is given, and writes the engine's JSON. */
const PROGRAM = `
#include <stdio.h>
#include "perilune.h"
int main(int argc, char **argv)
{
    perilune_options *options = perilune_options_new();
    perilune_engine *engine = NULL;
    perilune_script *script = NULL;
    perilune_trace *trace = NULL;
    perilune_options_set_pool_size(options, 1, NULL);
    perilune_options_set_limit(options, PERILUNE_LIMIT_TIMEOUT_NS, 30000000, NULL);
    perilune_options_set_limit(options, PERILUNE_LIMIT_OUTPUT, 5000, NULL);
    perilune_engine_new(options, &engine, NULL);
    for (int i = 1; i < argc; i++) {
        perilune_engine_compile(engine, perilune_str("same"), perilune_str(argv[i]), &script, NULL);
        perilune_script_run(script, perilune_str(NULL), perilune_str(NULL), NULL, &trace, NULL);
        puts(perilune_trace_json(trace).data);
    }
    return 0;
}`

const sources = [
  'return 1',
  'return nil, {1, 1.5, {}, json.array{}, json.null}, -0.0, 1e300, 1e21, 2^53',
  "return {['1'] = 2}",
  "print('ü\\0\\127\\226\\128\\168/\\b\\f') io.stderr:write('\\255\"\\\\') return 'text\\n'",
  "set_response{ status = 418, content_type = 'text/plain', content = '\\254tea', headers = { ['X-Z'] = '1', ['X-A'] = { 'ü', 'b', 'ü' }, ['__proto__'] = { 1 } } } return 3",
  'error({ code = 1 })',
  "local function f() error('deep') end f()",
  'return print',
  'while true do end',
  "print(('x'):rep(9000)) warn(('y'):rep(9000)) return true",
]
let theirs

before(() => {
  const program = join(mkdtempSync(join(tmpdir(), 'perilune-')), 'json')
  const library = join(process.env.CARGO_TARGET_DIR ?? join(checkout, 'target'), 'release', 'libperilune.a')
  const libraries = process.platform === 'darwin' ? ['-lc++'] : ['-lstdc++', '-lm', '-lpthread', '-ldl']
  const args = ['-x', 'c', '-', '-I', join(checkout, 'include'), '-x', 'none', library, ...libraries, '-o', program]
  execFileSync(process.env.CC ?? 'cc', args, { input: PROGRAM })
  theirs = execFileSync(program, sources, { encoding: 'utf8' }).trim().split('\n')
})

/** What differs from run to run is set alike. */
function alike(json) {
  const times = /"(executed_at|duration|duration_ns|memory_bytes|id)":("[-0-9T:.]{26}Z"|\d+)/g
  return json.replace(times, (_, key, value) => `"${key}":${value.replace(/\d/g, '0').replace(/^0+$/, '0')}`).replace(/,"queued_ns":\d+/, '')
}

for (const [at, source] of sources.entries()) {
  test(source, () => {
    const trace = new Engine({ poolSize: 1, timeout: 30, output: 5000 }).compile(source, { name: 'same' }).runSync()
    assert.equal(alike(trace.json), alike(theirs[at]))
    // JavaScript writes numbers in its own way; all else is the same.
    const plain = (json) => JSON.stringify(JSON.parse(json))
    assert.equal(alike(JSON.stringify(trace)), alike(plain(theirs[at])))
  })
}
