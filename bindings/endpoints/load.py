"""Load: requests a second of the hello script by each host, as a ratio to its framework's bare hello in the same run.

`bindings/endpoints/run` must have been there, for what the hosts need, and wrk (Debian: apt-get install wrk):

    cargo build --release -p perilune-cli --examples
    target/python/bin/python bindings/endpoints/load.py [SECONDS] [CONNECTIONS] [h11|httptools]
"""

import json
import re
import subprocess
import sys
from typing import Dict, List, Tuple

from conftest import COMMANDS, HERE, TARGET, Host

ENDPOINT = "/v1.1/instances/moonbase/endpoints/scripts/hello/run/?monster=Manticore"
BARE = {
    "rust": [("hyper", [str(TARGET / "release" / "examples" / "bare")])],
    "python": [("Starlette", [sys.executable, str(HERE / "hosts" / "bare.py"), "starlette"]), ("bare ASGI", [sys.executable, str(HERE / "hosts" / "bare.py"), "asgi"])],
    "node": [("Fastify", ["node", str(HERE / "hosts" / "bare.mjs")])],
}  # fmt: skip
# Optimised, as users run it.
HOSTS = {**COMMANDS, "rust": [str(TARGET / "release" / "examples" / "host")]}
ROUNDS = 3


def load(url: str, seconds: float, connections: str) -> Tuple[float, str, str]:
    """Requests a second, the 99th percentile, and what went wrong."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-H", "X-API-KEY: a-key", url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, late = re.search(r"Requests/sec: *([\d.]+)", told), re.search(r"99% *(\S+)", told)
    assert rate and late, told
    return float(rate[1]), late[1], " ".join(re.findall(r"(?:Socket errors|Non-2xx).*", told))


def main(seconds: str = "30", connections: str = "32", http: str = "h11") -> None:
    for language, command in HOSTS.items():
        settings = json.dumps({"scripts": str(HERE / "scripts"), "keys": "a-key", "http": http})
        servers = [("Perilune", Host([*command, settings]), ENDPOINT)]
        servers += [(name, Host([*bare, http]), "/hello?monster=Manticore") for name, bare in BARE[language]]
        rates: Dict[str, List[float]] = {}
        # In turns: what else the machine does falls on all of them.
        for _ in range(ROUNDS):
            for name, server, path in servers:
                rate, late, wrong = load(server.url + path, float(seconds) / ROUNDS, connections)
                rates.setdefault(name, []).append(rate)
                print(f"{language:6} {name:10} {rate:8.0f}/s  p99 {late:>8}  {wrong}", flush=True)
        own = sum(rates.pop("Perilune"))
        for name, others in rates.items():
            print(f"{language:6} {own / sum(others):.2f} of {name}")
        for _, server, _ in servers:
            server.process.terminate()
            server.ended()


if __name__ == "__main__":
    main(*sys.argv[1:])
