"""Requests for walks over all operations of the native API, each about things of its own."""

from typing import Any, NamedTuple

import httpx
import pytest

from services.gateway.app import described
from tests.e2e.native.examples import EXAMPLES, NOWHERE
from tests.unit.native_operations import native_operations

OPERATIONS = {each.name: each for each in native_operations(described())}

each_operation = pytest.mark.parametrize("name", sorted(OPERATIONS))
each_write = pytest.mark.parametrize("name", sorted(n for n, o in OPERATIONS.items() if o.writes))
WITH_AN_ID = sorted(name for name, operation in OPERATIONS.items() if "{" in operation.path)


class Prepared(NamedTuple):
    """A request that is yet to be sent."""

    method: str
    path: str
    body: Any

    def asked(self, http: httpx.Client, **headers: str) -> httpx.Response:
        """The answer; of a stream its opening."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with http.stream(self.method, self.path, json=self.body, headers=named) as answer:
            if "event-stream" in answer.headers.get("content-type", ""):
                assert next(answer.iter_lines()).startswith(":")
            else:
                answer.read()
        return answer


def nameless(name: str) -> Prepared:
    """About nothing that there is: for what is refused before anybody looks."""
    example, operation = EXAMPLES[name], OPERATIONS[name]
    path = operation.path.replace("{", "").replace("}", "").replace("event_id", NOWHERE)
    body = example.other if operation.body is not None else None
    return Prepared(operation.method, path + (f"?{example.query}" if example.query else ""), body)


def prepared(name: str, http: httpx.Client) -> Prepared:
    """With what it is about, which is made for it."""
    example, operation = EXAMPLES[name], OPERATIONS[name]
    path = operation.path
    if example.made is not None:
        before, _, rest = path.partition("{")
        path = before + example.made(http) + rest.partition("}")[2]
    body = None if example.body is None else example.body(http)
    return Prepared(operation.method, path + (f"?{example.query}" if example.query else ""), body)
