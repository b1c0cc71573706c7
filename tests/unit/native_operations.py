"""The operations of the native API, as its OpenAPI document has them: what walks over all routes
walks over these."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from services.gateway.native import PREFIX

METHODS = frozenset({"get", "put", "post", "delete", "patch"})
READING = frozenset({"GET"})


class Operation(NamedTuple):
    """One of them."""

    name: str
    """Its method and its path behind the prefix: `POST /tasks/{task_id}/cancel`."""
    method: str
    path: str
    statuses: frozenset[int]
    parameters: Mapping[str, str]
    """Where each is, by its name."""
    body: frozenset[str] | None
    """The fields of its body; None: it takes none."""

    @property
    def writes(self) -> bool:
        return self.method not in READING


def native_operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        if path.startswith(PREFIX):
            for method in METHODS & set(methods):
                yield _operation(document, method.upper(), path.removeprefix(PREFIX))


def _operation(document: Mapping[str, Any], method: str, path: str) -> Operation:
    described = document["paths"][PREFIX + path][method.lower()]
    return Operation(
        name=f"{method} {path}",
        method=method,
        path=path,
        statuses=frozenset(map(int, described["responses"])),
        parameters={each["name"].lower(): each["in"] for each in described.get("parameters", ())},
        body=_fields(document, described.get("requestBody")),
    )


def _fields(document: Mapping[str, Any], body: Mapping[str, Any] | None) -> frozenset[str] | None:
    if body is None:
        return None
    return frozenset(_named(document, body["content"]["application/json"]["schema"]))


def _named(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _named(document, each)
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _named(document, document["components"]["schemas"][name])
    yield from schema.get("properties", ())
