"""Every write of the native API takes an Idempotency-Key: a repeat gets the first answer, another
request under the same key is refused, and so is what is no key."""

from uuid import uuid4

import httpx
import pytest

from tests.e2e.native.examples import ALONE, EXAMPLES
from tests.e2e.native.walking import OPERATIONS, each_write, nameless, prepared
from tests.e2e.problems import refused

TRIED_BETWEEN_REGIONS = {"POST /tasks/{task_id}/move", "POST /regions/parcels"}
"""In tests/e2e/test_regions.py, which has some."""
each_here = pytest.mark.parametrize(
    "name", sorted(n for n, o in OPERATIONS.items() if o.writes and not EXAMPLES[n].absent)
)


def test_what_is_not_tried_here_is_tried_elsewhere() -> None:
    writes = {name for name, operation in OPERATIONS.items() if operation.writes}
    assert {name for name in writes if EXAMPLES[name].absent == ALONE} == TRIED_BETWEEN_REGIONS


@each_here
def test_a_repeat_gets_the_first_answer_and_nothing_else_does(
    name: str, http: httpx.Client
) -> None:
    request, example, key = prepared(name, http), EXAMPLES[name], uuid4().hex
    first = request.asked(http, idempotency_key=key, prefer="wait=30")
    assert first.is_success, first.text
    again = request.asked(http, idempotency_key=key, prefer="wait=30")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("location") == first.headers.get("location")
    assert again.headers["countermand-repeated"] == "true"
    other = request._replace(body=example.other).asked(http, idempotency_key=key)
    assert refused(other, 409, "conflict")["reason"] == "idempotency_key_reused"


@each_write
def test_it_is_documented_that_it_takes_one(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.parameters["idempotency-key"] == "header"
    assert operation.statuses >= {409, 413}


@each_here
def test_what_is_no_key_is_refused(name: str, http: httpx.Client) -> None:
    answer = nameless(name).asked(http, idempotency_key="x" * 256)
    refused(answer, 422, "invalid")
