"""A refusal of the native API, as every one of them looks."""

from typing import Any

import httpx

PROBLEM = "application/problem+json"


def refused(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["type"] == f"urn:countermand:problem:{name}"
    assert document["title"]
    assert document["detail"]
    return document
