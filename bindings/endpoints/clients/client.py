"""What Syncano's Python library gets of a host: its arguments are the host's address and a key."""

import json
import os
import sys

url, key = sys.argv[1:]
# Read when it is imported; the slash at its end it wants.
os.environ["SYNCANO_APIROOT"] = f"{url}/"

import syncano  # noqa: E402
from syncano.exceptions import SyncanoDoesNotExist, SyncanoRequestError  # noqa: E402

connection = syncano.connect(api_key=key, instance_name="moonbase")
ScriptEndpoint = connection.ScriptEndpoint


def of(trace):
    return [trace.status, trace.result, trace.duration >= 0, trace.executed_at.year >= 2024, trace.links and trace.links.self]


hello = ScriptEndpoint.please.get(name="hello")
link = hello.public_link
found = {
    "hello": [hello.name, hello.script, hello.public, len(link)],
    "run": of(hello.run()),
    "run with a payload": of(hello.run(monster="Manticore")),
    "run by the manager": of(ScriptEndpoint.please.run(name="hello", payload={"monster": "Manticore"})),
    "types": ScriptEndpoint.please.get(name="echo").run(n=1, list=[1, {"a": None}], text="é").result,
    "fails": of(ScriptEndpoint.please.get(name="fails").run()),
    "responds": ScriptEndpoint.please.get(name="respond").run(type="application/json", content='{"moon": "full"}', status=200),
    "list": sorted(one.name for one in ScriptEndpoint.please.list()),
    "traces": [trace.result["stdout"] for trace in ScriptEndpoint.please.get(name="fails").traces.list()],
}
trace = next(iter(ScriptEndpoint.please.get(name="fails").traces.list()))
found["trace"] = of(connection.ScriptEndpointTrace.please.get(instance_name="moonbase", script_endpoint_name="fails", id=trace.id))
hello.reset_link()
found["another link"] = hello.public_link != link
try:
    ScriptEndpoint.please.get(name="gone")
except SyncanoDoesNotExist as error:
    found["gone"] = str(error)
try:
    syncano.connect(api_key="wrong", instance_name="moonbase").ScriptEndpoint.please.get(name="hello")
except SyncanoRequestError as error:
    found["wrong key"] = [type(error).__name__, error.status_code, error.reason]
print(json.dumps(found))
