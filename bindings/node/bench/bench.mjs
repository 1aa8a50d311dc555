// What a run costs from Node, beside the same calls from C; and what the loop notices of others' runs.
//
//     node bench/bench.mjs
//
// Times are the machine's; the differences and ratios are what to look at. Rounds are taken in turn.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { Engine } from '../index.mjs'

const SOURCE = "print('Hello', ARGS.monster)"
const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'perilune-'))
const floor = join(folder, 'floor')
const library = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'release', 'libperilune.a')
execFileSync('cc', [
  '-O2', '-I', join(root, 'include'), join(root, 'bindings', 'python', 'bench', 'floor.c'), library,
  ...(process.platform === 'darwin' ? ['-lc++'] : ['-lstdc++', '-lm', '-lpthread', '-ldl']), '-o', floor,
])

const request = { query: 'monster=Manticore', post: '{"n": 1}' }
let read = 0

/** Nanoseconds per call, the least of some rounds. */
async function least(rounds, calls, body) {
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    await body(calls)
    best = Math.min(best, ((performance.now() - began) / calls) * 1e6)
  }
  return best
}

const sync = new Engine({ poolSize: 1 }).compile(SOURCE, { name: 'hello' })
const one = () =>
  least(10, 20_000, (calls) => {
    for (let n = 0; n < calls; n++) {
      const trace = sync.runSync(request)
      if (trace.status !== 'success') throw new Error(trace.stderr)
      read += trace.stdout.length
    }
  })

const many = new Engine().compile(SOURCE, { name: 'hello' })
const flight = () =>
  least(10, 20_000, async (calls) => {
    let next = 0
    const worker = async () => {
      while (next++ < calls) read += (await many.run(request)).stdout.length
    }
    await Promise.all(Array.from({ length: 100 }, worker))
  })

/** What a loop waits beyond its timer while something goes on: the histogram has the timer's own millisecond in it. */
async function delay(body) {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await body()
  histogram.disable()
  const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map((ns) => (ns / 1e6 - 1).toFixed(2))
  return `${p50} ms at p50, ${p99} at p99, ${max} at most`
}

async function runs() {
  const script = new Engine({ poolSize: 64 }).compile('local began = os.clock() repeat until os.clock() - began > 0.05')
  const all = () => Promise.all(Array.from({ length: 64 }, () => script.run()))
  await all()
  return delay(all)
}

/** The same with threads that only spin: what the system gives to a loop beside so many. */
async function threads() {
  const source = "const { parentPort } = require('node:worker_threads'); const { performance } = require('node:perf_hooks'); " +
    "parentPort.on('message', () => { const began = performance.now(); while (performance.now() - began < 300); parentPort.postMessage(1) })"
  const workers = Array.from({ length: 64 }, () => new Worker(source, { eval: true }))
  await Promise.all(workers.map((worker) => once(worker, 'online')))
  const text = await delay(() => Promise.all(workers.map((worker) => (worker.postMessage(1), once(worker, 'message')))))
  await Promise.all(workers.map((worker) => worker.terminate()))
  return text
}

const rounds = []
for (let n = 0; n < 3; n++) {
  rounds.push([Number(execFileSync(floor, [SOURCE], { encoding: 'utf8' }).split(' ')[0]), await one(), await flight()])
}
const [c, node, async_] = [0, 1, 2].map((at) => Math.min(...rounds.map((round) => round[at])))
console.log(`one run, status and stdout read: ${node.toFixed(0)} ns from Node, ${c.toFixed(0)} ns from C: ${(node - c).toFixed(0)} ns more`)
console.log(`100 runs in flight: ${(async_ / 1e3).toFixed(2)} µs each`)
console.log(`the loop's delay under 64 runs of 50 ms: ${await runs()}`)
console.log(`the same under 64 threads that spin: ${await threads()}`)
rmSync(folder, { recursive: true })
