"""How long a run takes."""

from __future__ import annotations

import os
from collections import Counter
from itertools import accumulate
from time import perf_counter_ns
from typing import List, Optional, Tuple

from ._engine import Script
from ._request import Request
from ._trace import Trace

WARM_UP = 0.3
"""Long enough for the VM, the caches and the clock of the processor to settle."""
REDRAW = 100_000_000
"""Between two looks of the progress line."""
ROWS = 10
"""Rows of the histogram up to the 99th percentile; the slowest percent has one more."""
BAR = 40
"""The longest bar, in characters."""


class Measured:
    """What was seen of a number of runs; times are in nanoseconds."""

    def __init__(self) -> None:
        self.latencies: Counter[int] = Counter()
        """How many runs took so long, to three digits: there can be any number of runs."""
        self.elapsed = 0
        """Only within the runs: noting them takes Python as long as a small run."""
        self.runs = 0
        self.failed = 0
        self.failure = ""
        """How the first of them ended."""

    def add(self, latency: int, trace: Optional[Trace] = None) -> None:
        unit = _unit(latency)
        self.latencies[latency // unit * unit] += 1
        self.elapsed += latency
        self.runs += 1
        if trace is not None and not trace.ok:
            if not self.failed:
                message = trace.error.message if trace.error else ""
                self.failure = f"{trace.status}: {message.splitlines()[0] if message else ''}"
            self.failed += 1

    def failures(self) -> str:
        return f"{self.failed} of {self.runs} runs did not succeed, the first with {self.failure}"

    def quantile(self, quantile: float) -> int:
        latencies = sorted(self.latencies)
        seen = accumulate(self.latencies[latency] for latency in latencies)
        latency = next(latency for latency, runs in zip(latencies, seen) if runs >= quantile * self.runs)
        return latency + _unit(latency) - 1

    def rows(self) -> List[Tuple[int, int]]:
        """The histogram: up to which latency, and how many runs. Rows of one width as far as most runs are, then one for the rest: a
        single slow run would squeeze all others into the first row."""
        least, most = min(self.latencies), self.quantile(0.99)
        width = max(1, -(-(most - least) // ROWS))
        bounds = [least + row * width for row in range(1, ROWS + 1)]
        counts = [0] * (ROWS + 1)
        for latency, runs in self.latencies.items():
            counts[min(max(0, -(-(latency - least) // width) - 1), ROWS)] += runs
        rows = list(zip([*bounds, self.quantile(1)], counts))
        while not rows[-1][1]:
            rows.pop()
        return rows

    def report(self, path: str) -> str:
        rate = self.runs / (self.elapsed / 1e9)
        lines = [f"{path}: {self.runs} runs in {time(self.elapsed)}, {rate:.0f} runs per second on one thread", ""]
        rows = self.rows()
        most = max(runs for _, runs in rows)
        for up_to, runs in rows:
            bar = "#" * -(-runs * BAR // most)
            lines.append(f"  to {time(up_to):>9}  {bar:<{BAR}}  {runs}")
        lines.append("")
        for name, quantile in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)):
            lines.append(f"  {name:<5}{time(self.quantile(quantile)):>10}")
        return "\n".join(lines) + "\n"


def _unit(latency: int) -> int:
    return 1 << max(0, latency.bit_length() - 11)


def time(nanoseconds: int) -> str:
    """Nanoseconds in the unit that suits them."""
    for unit, name in ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")):
        if nanoseconds >= unit:
            return f"{nanoseconds / unit:.2f} {name}"
    return f"{nanoseconds} ns"


def measure(script: Script, request: Request, seconds: float, what: str) -> Measured:
    """Runs the script until the time is over, once at least."""
    measured = Measured()
    end = seconds * 1e9
    shown = os.isatty(2)
    due = 0
    while measured.elapsed < end:
        start = perf_counter_ns()
        trace = script._run(None, None, request)
        measured.add(perf_counter_ns() - start, trace)
        if shown and measured.elapsed >= due:
            due = measured.elapsed + REDRAW
            _progress(f"{what}: {measured.elapsed / 1e9:.1f} of {seconds:.1f} s, {measured.runs} runs")
    if shown:
        _progress("")
    return measured


def _progress(text: str) -> None:
    """A line on stderr that tells a person that something goes on."""
    try:
        os.write(2, f"\r{text}\x1b[K".encode())
    except OSError:
        pass
