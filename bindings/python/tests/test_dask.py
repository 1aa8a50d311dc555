"""The example for Dask, on a cluster of two processes."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import dask_scores
import pytest
from distributed import Client, LocalCluster

import perilune
from perilune import _engine

RECORDS, PARTITIONS = 20_000, 10


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def parts(client: Client) -> List[dask_scores.Scored]:
    return dask_scores.run(client, RECORDS, PARTITIONS)[0]


def arrived() -> List[Tuple[int, int]]:
    """Compilations and runs of the engines that were sent to this process."""
    engines: List[Dict[str, Any]] = [engine.metrics() for engine in _engine._arrived.values()]
    return [(metrics["compiles"]["succeeded"], sum(metrics["runs"].values())) for metrics in engines]


def test_a_broken_record_fails_only_itself(parts: List[dask_scores.Scored]) -> None:
    lines = [line for at in range(PARTITIONS) for line in dask_scores.orders(at * RECORDS // PARTITIONS, RECORDS // PARTITIONS)]
    script = perilune.Engine(memory="8MiB").compile(dask_scores.RULE, name="rule")
    for number, (line, score) in enumerate(zip(lines, (score for part in parts for score in part.scores))):
        broken = number % 1_000 == 17 or number % 5_000 == 23 or number % 10_000 == 42
        assert (score is None) == broken, line
        if number % 100 == 0:
            assert score == script.run(post=line, config=dask_scores.SETTINGS).value[0], line
    assert len(lines) == sum(len(part.scores) for part in parts) == RECORDS
    assert sum((part.failures for part in parts), Counter[str]()) == {"runtime": 20, "memory_limit": 4, "payload": 2}


def test_a_process_has_one_engine_that_compiled_once(client: Client) -> None:
    script = client.scatter(perilune.Engine().compile(dask_scores.RULE), broadcast=True)
    parts = [[line] * 100 for line in dask_scores.orders(0, 16)]
    scored = client.gather(client.map(dask_scores.score, parts, script=script, pure=False))
    assert len({part.process for part in scored}) == 2
    ((first,), (second,)) = client.run(arrived).values()
    assert (first[0], second[0]) == (1, 1)
    assert first[1] + second[1] == 1600


def test_the_command_counts() -> None:
    options = ["--records", "2000", "--workers", "1", "--partitions", "3"]
    done = subprocess.run([sys.executable, Path(dask_scores.__file__), *options], capture_output=True, text=True, check=True)
    assert "2000 records in " in done.stdout
    assert "1996 scored, " in done.stdout
    assert "2 failed: runtime\n" in done.stdout
