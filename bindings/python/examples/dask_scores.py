"""Scores orders by a stranger's rule, on all cores or on all machines of a Dask cluster.

    pip install 'perilune[dask,progress]'
    python dask_scores.py --records 200000 --workers 2
    python dask_scores.py --scheduler tcp://10.0.0.1:8786

A script is sent to each worker process once; there it has an engine of its own. A partition is one batch. A record that is broken, or
that the rule fails for, has no score; all others have theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections import Counter
from typing import List, NamedTuple, Optional, Tuple

from distributed import Client, LocalCluster, as_completed, wait
from tqdm import tqdm

import perilune

RULE = """
-- How much does this order look like fraud? 0 to 1.
local score = 0
if POST.amount > CONFIG.large then score += 0.4 end
if POST.country ~= POST.card then score += 0.3 end
if string.match(POST.email, "%d%d%d%d@") then score += 0.1 end
for _, item in POST.items do
    score += CONFIG.risky[item] or 0
end
local label = string.rep("*", POST.stars)
return math.min(score, 1), label
"""
SETTINGS = json.dumps({"large": 500, "risky": {"gift card": 0.3, "phone": 0.1}})
ITEMS = ["book", "gift card", "lamp", "phone", "shoes"]
COUNTRIES = ["DE", "FR", "PL", "US"]


class Scored(NamedTuple):
    """What came of a partition."""

    scores: List[Optional[float]]
    """One for each record, in their order; None for those that failed."""
    failures: Counter[str]
    """How many failed, by the status of the run, or `payload` when there was none."""
    example: str
    """Why the first of them did."""
    process: str
    """Which process it was."""


def orders(first: int, count: int) -> List[bytes]:
    """Some records, as the lines of a JSON Lines file. One in 1,000 has no amount, one in 5,000 asks for more memory than a run may use,
    and one in 10,000 is cut off."""
    numbers = random.Random(first)
    lines: List[bytes] = []
    for at in range(first, first + count):
        order = {
            "id": at,
            "amount": round(numbers.expovariate(1 / 120), 2),
            "country": numbers.choice(COUNTRIES),
            "card": numbers.choice(COUNTRIES),
            "email": f"user{numbers.randrange(20_000)}@example.org",
            "items": numbers.sample(ITEMS, 2),
            "stars": numbers.randrange(5),
        }
        if at % 1_000 == 17:
            del order["amount"]
        if at % 5_000 == 23:
            order["stars"] = 1e9
        line = json.dumps(order).encode()
        lines.append(line[: len(line) // 2] if at % 10_000 == 42 else line)
    return lines


def score(lines: List[bytes], script: perilune.Script) -> Scored:
    scores: List[Optional[float]] = []
    failures: Counter[str] = Counter()
    example = ""
    for outcome in script.run_batch({"post": line, "config": SETTINGS} for line in lines):
        if isinstance(outcome, perilune.Trace) and outcome.ok:
            scores.append(outcome.value[0])
            continue
        scores.append(None)
        error = outcome.error if isinstance(outcome, perilune.Trace) else None
        failures[error.kind if error else "payload"] += 1
        example = example or (error.message if error else str(outcome))
    return Scored(scores, failures, example, f"{os.uname().nodename}:{os.getpid()}")


def run(client: Client, records: int, partitions: int) -> Tuple[List[Scored], float]:
    """Generates the records where they will be scored, scores them, and tells how many seconds the latter took."""
    bounds = [records * at // partitions for at in range(partitions + 1)]
    parts = client.map(orders, bounds[:-1], [end - start for start, end in zip(bounds, bounds[1:])], pure=False)
    wait(parts)

    engine = perilune.Engine(pool_size=1, timeout=1.0, memory="8MiB")
    # One engine for a process, however many partitions it is given.
    script = client.scatter(engine.compile(RULE, name="rule"), broadcast=True)
    began = time.perf_counter()
    scored = client.map(score, parts, script=script, pure=False)
    with tqdm(total=records, unit=" records", disable=None) as bar:
        for _, part in as_completed(scored, with_results=True):
            bar.update(len(part.scores))
    return client.gather(scored), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores orders by a stranger's rule on a Dask cluster.")
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--partitions", type=int, default=40)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes on this machine")
    parser.add_argument("--scheduler", help="of a cluster that is there, in place of workers on this machine")
    arguments = parser.parse_args()

    cluster = arguments.scheduler or LocalCluster(
        n_workers=arguments.workers, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with Client(cluster) as client:
        parts, seconds = run(client, arguments.records, arguments.partitions)
    if not arguments.scheduler:
        cluster.close()

    scores = [score for part in parts for score in part.scores if score is not None]
    failures = sum((part.failures for part in parts), Counter[str]())
    print(f"{arguments.records} records in {seconds:.2f} s on {len({part.process for part in parts})} processes:", end=" ")
    print(f"{arguments.records / seconds:.0f} records per second")
    print(f"{len(scores)} scored, {sum(score >= 0.7 for score in scores)} of them 0.7 or more")
    for kind, count in sorted(failures.items()):
        print(f"{count} failed: {kind}")
    print("such as:", next((part.example for part in parts if part.example), "none"))


if __name__ == "__main__":
    main()
