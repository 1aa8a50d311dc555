"""The table: what is asked, and what is answered."""

import base64
import http.client
import json
import re
from typing import Any, Dict, List

import pytest
from conftest import TABLE, Host


def ask(host: Host, step: Dict[str, Any], key: Any) -> Any:
    path = step["path"] if step["path"].startswith("/") else "/v1.1/instances/" + step["path"]
    headers = {**({} if key is None else {"X-API-KEY": key}), **step.get("headers", {})}
    body: Any = base64.b64decode(step["base64"]) if "base64" in step else step.get("body", "").encode()
    body *= step.get("times", 1)
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=30)
    try:
        if step.get("chunked"):
            pieces = [body[at : at + 100] for at in range(0, len(body), 100)]
            connection.request(step.get("method", "GET"), path, iter(pieces), headers, encode_chunked=True)
        else:
            connection.request(step.get("method", "GET"), path, body or None, headers)
        answer = connection.getresponse()
        lines: Dict[str, List[str]] = {}
        for name, value in answer.getheaders():
            lines.setdefault(name.lower(), []).append(value)
        return answer.status, {name: values if len(values) > 1 else values[0] for name, values in lines.items()}, answer.read().decode()
    finally:
        connection.close()


def filled(expected: Any, saved: Dict[str, Any]) -> Any:
    """What was saved stands where its name is in braces; alone, it keeps its type."""
    if isinstance(expected, str):
        for name, value in saved.items():
            if expected == f"{{{name}}}":
                return value
            expected = expected.replace(f"{{{name}}}", str(value))
        return expected
    if isinstance(expected, list):
        return [filled(one, saved) for one in expected]
    if isinstance(expected, dict):
        return {name: filled(one, saved) for name, one in expected.items()}
    return expected


def field(value: Any, path: str) -> Any:
    """A member of members; None where there is none."""
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, list) else (value or {}).get(name)
    return value


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"].replace(" ", "-"))
def test_case(hosts: Any, language: str, case: Dict[str, Any]) -> None:
    name = case.get("host", "usual")
    host, saved = hosts(language, name), {}
    for number, given in enumerate(case["steps"], 1):
        step = {**given, "path": filled(given["path"], saved)}
        status, headers, text = ask(host, step, step.get("key", "moon-key"))
        told = f"step {number}, {step.get('method', 'GET')} {step['path']}: {status} {headers} {text[:2000]}"
        assert status == step["status"], told
        for header, value in step.get("headers_back", {}).items():
            assert headers.get(header) == value, f"{header} in {told}"
        for header, pattern in step.get("headers_match", {}).items():
            assert re.search(pattern, headers.get(header, "")), f"{header} in {told}"
        if "text" in step:
            assert text == step["text"], told
        if "matches" in step:
            assert re.search(step["matches"], text), told
        if "json" in step:
            assert json.loads(text) == filled(step["json"], saved), told
        for path, value in step.get("fields", {}).items():
            assert field(json.loads(text), path) == filled(value, saved), f"{path} in {told}"
        for variable, path in step.get("save", {}).items():
            saved[variable] = field(json.loads(text), path)
