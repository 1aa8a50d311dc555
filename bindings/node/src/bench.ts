/** `perilune bench`: how long a run takes. */

import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'

import { type Script } from './engine'
import { type RunRequest } from './script'
import { type Trace } from './trace'

/** Seconds: long enough for the VM, the caches and the clock of the processor to settle. */
export const WARM_UP = 0.3
/** Nanoseconds between two looks of the progress line. */
const REDRAW = 1e8
/** Rows of the histogram up to the 99th percentile; the slowest percent has one more. */
const ROWS = 10
/** The longest bar, in characters. */
const BAR = 40

/** Latencies are kept to three digits: there can be any number of runs. */
function unit(latency: number): number {
  return 2 ** Math.max(0, Math.floor(Math.log2(latency || 1)) - 10)
}

/** What was seen of a number of runs; times are in nanoseconds. */
export class Measured {
  /** How many runs took so long. */
  readonly latencies = new Map<number, number>()
  /** Only within the runs. */
  elapsed = 0
  runs = 0
  failed = 0
  /** How the first of them ended. */
  #failure = ''

  add(latency: number, trace?: Trace): void {
    const rounded = Math.floor(latency / unit(latency)) * unit(latency)
    this.latencies.set(rounded, (this.latencies.get(rounded) ?? 0) + 1)
    this.elapsed += latency
    this.runs++
    if (trace && !trace.ok && this.failed++ === 0) {
      this.#failure = `${trace.status}: ${trace.error?.message.split(/\r?\n/, 1)[0] ?? ''}`
    }
  }

  failures(): string {
    return `${this.failed} of ${this.runs} runs did not succeed, the first with ${this.#failure}`
  }

  quantile(quantile: number): number {
    let seen = 0
    for (const latency of [...this.latencies.keys()].sort((a, b) => a - b)) {
      seen += this.latencies.get(latency) as number
      if (seen >= quantile * this.runs) return latency + unit(latency) - 1
    }
    return 0
  }

  /**
   * The histogram: up to which latency, and how many runs. Rows of one width as far as most runs are, then one for the rest: a single
   * slow run would squeeze all others into the first row.
   */
  rows(): [upTo: number, runs: number][] {
    const least = Math.min(...this.latencies.keys())
    const width = Math.max(1, Math.ceil((this.quantile(0.99) - least) / ROWS))
    const counts = new Array<number>(ROWS + 1).fill(0)
    for (const [latency, runs] of this.latencies) {
      const row = Math.min(Math.max(0, Math.ceil((latency - least) / width) - 1), ROWS)
      counts[row] = (counts[row] as number) + runs
    }
    while (counts.at(-1) === 0) counts.pop()
    return counts.map((runs, row) => [row < ROWS ? least + (row + 1) * width : this.quantile(1), runs])
  }

  report(path: string): string {
    const rate = this.runs / (this.elapsed / 1e9)
    const lines = [`${path}: ${this.runs} runs in ${time(this.elapsed)}, ${rate.toFixed(0)} runs per second on one thread`, '']
    const rows = this.rows()
    const most = Math.max(...rows.map(([, runs]) => runs))
    for (const [upTo, runs] of rows) {
      const bar = '#'.repeat(Math.ceil((runs * BAR) / most))
      lines.push(`  to ${time(upTo).padStart(9)}  ${bar.padEnd(BAR)}  ${runs}`)
    }
    lines.push('')
    for (const [name, quantile] of [['p50', 0.5], ['p90', 0.9], ['p99', 0.99], ['p99.9', 0.999], ['max', 1]] as const) {
      lines.push(`  ${name.padEnd(5)}${time(this.quantile(quantile)).padStart(10)}`)
    }
    return lines.join('\n') + '\n'
  }
}

/** Nanoseconds in the unit that suits them. */
export function time(nanoseconds: number): string {
  for (const [unit, name] of [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs']] as const) {
    if (nanoseconds >= unit) return `${(nanoseconds / unit).toFixed(2)} ${name}`
  }
  return `${nanoseconds} ns`
}

/** Runs the script until the time is over, once at least. */
export function measure(script: Script, request: RunRequest, seconds: number, what: string): Measured {
  const measured = new Measured()
  const shown = isatty(2)
  let due = 0
  while (measured.elapsed < seconds * 1e9) {
    const start = performance.now()
    const trace = script.runSync(request)
    measured.add(Math.max(1, Math.round((performance.now() - start) * 1e6)), trace)
    if (shown && measured.elapsed >= due) {
      due = measured.elapsed + REDRAW
      progress(`${what}: ${(measured.elapsed / 1e9).toFixed(1)} of ${seconds.toFixed(1)} s, ${measured.runs} runs`)
    }
  }
  if (shown) progress('')
  return measured
}

/** A line on stderr that tells a person that something goes on. */
function progress(text: string): void {
  try {
    writeSync(2, `\r${text}\x1b[K`)
  } catch {
    // Nobody is left to tell.
  }
}
