"""The client asks for everything that the native API answers, with every field and filter of it: a
new route, or a new field, that it can't ask for fails here."""

import asyncio
import inspect
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Any, Literal, NamedTuple, Unpack, get_args, get_origin, get_type_hints

import httpx
import pytest

from countermand.client import Client
from services.gateway.app import described
from services.gateway.native import PREFIX
from tests.unit.native_operations import Operation, native_operations

FOR_BRIDGES = {
    "GET /regions/end",
    "GET /regions/{region}/parcels",
    "GET /regions/{region}/taken",
    "POST /regions/parcels",
}
"""Regions ask each other these, in words of their own."""
BY_THE_CLIENT_ITSELF = {"cursor"}
"""What pages are found by."""
NO_REQUESTS = {"close"}
KEY = "x"
"""The idempotency key of everything: what any text is."""


class Asked(NamedTuple):
    """What was sent, by a call of this method."""

    method: str
    operation: str
    fields: frozenset[str]
    key: str | None


OPERATIONS = {each.name: each for each in native_operations(described())}


@pytest.fixture(scope="module")
def asked() -> list[Asked]:
    return asyncio.run(everything_asked())


async def everything_asked() -> list[Asked]:
    """By each method, with all that it takes."""
    found: list[Asked] = []
    method = ""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0]
        if not path.startswith(PREFIX):
            return httpx.Response(200, json={})
        operation = named(request.method, path.removeprefix(PREFIX))
        body = json.loads(request.content) if request.content else {}
        fields = frozenset(chain(body, request.url.params))
        found.append(Asked(method, operation, fields, request.headers.get("idempotency-key")))
        if path.endswith("/stream"):
            return httpx.Response(200, text="event: e\nid: 0:1\ndata: {}\n\n")
        empty: dict[str, Any] = {
            "items": [],
            "next_cursor": None,
            "redelivered": 0,
            "request": {"event_id": "x"},
        }
        return httpx.Response(200, json=empty, headers={"countermand-end": "0:1"})

    transport = httpx.MockTransport(answer)
    async with (
        httpx.AsyncClient(base_url="http://service", transport=transport) as http,
        Client(http=http) as client,
    ):
        for method, arguments in calls():
            asking = getattr(client, method)(**arguments)
            if hasattr(asking, "__aiter__"):
                await anext(asking, None)
                await asking.aclose()
            else:
                await asking
    return found


def named(method: str, path: str) -> str:
    """The operation that this is; of two, the one that names more."""
    for name in sorted(OPERATIONS, key=lambda name: name.count("{")):
        pattern = re.sub(r"\{\w+\}", "[^/]+", name)
        if re.fullmatch(pattern, f"{method} {path}"):
            return name
    raise AssertionError(f"{method} {path} is nothing that the native API answers")


def calls() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, function in inspect.getmembers(Client, inspect.isfunction):
        if name.startswith("_") or name in NO_REQUESTS:
            continue
        if name == "stream":
            yield from ((name, {each: "x"}) for each in ("task", "project", "after"))
            continue
        hints = get_type_hints(function)
        hints.pop("return")
        everything = dict(given(hints))
        verbs = get_args(hints["what"]) if "what" in hints else (None,)
        for verb in verbs:
            yield name, {**everything, **({"what": verb} if verb else {})}


def given(hints: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """A value for each that a method takes, by its type."""
    for name, kind in hints.items():
        if get_origin(kind) is Unpack:
            (fields,) = get_args(kind)
            yield from given(get_type_hints(fields))
        else:
            yield name, SAMPLES.get(name, a_value(kind))


SAMPLES = {"tasks": [{"kind": "x"}], "where": {"kind": "x"}, "start": "0:1", "as_of": "0:1"}


def a_value(kind: Any) -> Any:
    choices = [each for each in get_args(kind) if each is not type(None)] or [kind]
    if get_origin(kind) is Literal:
        return choices[0]
    first = choices[0]
    if get_origin(first) is Literal:
        return get_args(first)[0]
    return {bool: True, int: 1, float: 1.0, str: KEY}.get(first, {"x": "x"})


def test_everything_that_is_answered_can_be_asked_for(asked: list[Asked]) -> None:
    assert {each.operation for each in asked} == set(OPERATIONS) - FOR_BRIDGES


def test_every_field_and_filter_can_be_given(asked: list[Asked]) -> None:
    sent: defaultdict[str, set[str]] = defaultdict(set)
    for each in asked:
        sent[each.operation] |= each.fields
    lacking = {
        name: sorted(takes(OPERATIONS[name]) - fields - BY_THE_CLIENT_ITSELF)
        for name, fields in sent.items()
        if takes(OPERATIONS[name]) - fields - BY_THE_CLIENT_ITSELF
    }
    assert lacking == {}


def takes(operation: Operation) -> set[str]:
    query = {name for name, place in operation.parameters.items() if place == "query"}
    if operation.path.endswith("/stream"):
        query -= {"start"}  # The client sends the header, which is the same.
    return query | set(operation.body or ())


def test_every_write_goes_under_a_key_of_its_callers_choice(asked: list[Asked]) -> None:
    without = {
        (each.method, each.operation)
        for each in asked
        if OPERATIONS[each.operation].writes and each.key != KEY
    }
    assert without == set()
