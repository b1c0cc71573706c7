"""What makes no sense, and what is too large, on every route of the native API."""

from http.client import HTTPConnection

import httpx
import pytest

from services.gateway.native import PREFIX
from tests.e2e.native.walking import OPERATIONS, each_write, nameless
from tests.e2e.problems import PROBLEM, refused
from tests.e2e.running import Running

BODY_LIMIT_BYTES = 10_000_000
WITH_A_BODY = sorted(name for name, operation in OPERATIONS.items() if operation.body is not None)
OF_REGIONS = ("/regions", "/requests")
"""They ask each other, and a newer one may name what an older one doesn't know."""
KNOWING = sorted(n for n, o in OPERATIONS.items() if not o.path.startswith(OF_REGIONS))
NO_SENSE = {
    "cut_off": b"{",
    "a_list": b"[]",
    "a_number": b"7",
    "no_text": b"\xff\xfe",
    "not_in_utf_8": b'{"reason": "\x80"}',
    "an_unknown_field": b'{"unheard-of": 1}',
}


@each_write
def test_a_body_beyond_the_limit_is_refused_before_it_is_read(name: str, service: Running) -> None:
    """Whoever sends it."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    request = nameless(name)
    connection = HTTPConnection(host, int(port), timeout=30)
    try:
        connection.putrequest(request.method, PREFIX + request.path)
        connection.putheader("content-type", "application/json")
        connection.putheader("content-length", str(BODY_LIMIT_BYTES + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (413, PROBLEM)
        assert b"urn:countermand:problem:too-large" in answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("name", WITH_A_BODY)
@pytest.mark.parametrize("raw", NO_SENSE.values(), ids=NO_SENSE)
def test_a_body_that_makes_no_sense_is_refused_with_where(
    name: str, raw: bytes, http: httpx.Client
) -> None:
    request, headers = nameless(name), {"content-type": "application/json"}
    answer = http.request(request.method, request.path, content=raw, headers=headers)
    assert refused(answer, 422, "invalid")["errors"]


@pytest.mark.parametrize("name", KNOWING)
def test_a_query_that_it_does_not_know_is_refused(name: str, http: httpx.Client) -> None:
    request = nameless(name)
    answer = http.request(
        request.method, request.path, params={"unheard-of": "1"}, json=request.body
    )
    fields = [each["field"] for each in refused(answer, 422, "invalid")["errors"]]
    assert fields == ["unheard-of"]
