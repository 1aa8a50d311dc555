"""What a run costs from Python, beside the same calls from C; and what two threads gain.

    python bench.py LIBPERILUNE_A

Times are the machine's; the differences and ratios are what to look at. Rounds of both are taken in turn.
"""

import subprocess
import sys
import tempfile
import threading
import time
import timeit
from pathlib import Path

import perilune

SOURCE = "print('Hello', ARGS.monster)"
ROOT = Path(__file__).resolve().parents[3]


def floor(library: str, folder: str) -> "list[str]":
    program = str(Path(folder) / "floor")
    subprocess.run(
        ["cc", "-O2", "-I", str(ROOT / "include"), str(Path(__file__).with_name("floor.c")), library,
         "-lstdc++", "-lm", "-lpthread", "-ldl", "-o", program],
        check=True,
    )  # fmt: skip
    return [program, SOURCE]


def one() -> float:
    script = perilune.Engine().compile(SOURCE, name="hello")

    run = "trace = script.run(query='monster=Manticore', post=b'{\"n\": 1}'); trace.status; trace.stdout"
    return min(timeit.repeat(run, globals={"script": script}, number=20_000, repeat=10)) / 20_000 * 1e9


def spin(threads: int, runs: int) -> float:
    """Runs per second of scripts of about a millisecond."""
    script = perilune.Engine(pool_size=threads).compile("local n = 0 for i = 1, 100000 do n += i end return n")

    def work() -> None:
        for _ in range(runs):
            script.run()

    work()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * runs / (time.perf_counter() - began)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = floor(sys.argv[1], folder)
        rounds = []
        for _ in range(3):
            c = float(subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()[0])
            rounds.append((one(), c))
    python, c = min(p for p, _ in rounds), min(c for _, c in rounds)
    print(f"one run, status and stdout read: {python:.0f} ns from Python, {c:.0f} ns from C: {python - c:.0f} ns more")
    rate = [max(spin(threads, 300) for _ in range(3)) for threads in (1, 2)]
    print(f"two threads: {rate[1] / rate[0]:.2f} times the runs of one")


if __name__ == "__main__":
    main()
