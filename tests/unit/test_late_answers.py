"""Who asks with the client is told when an answer may be older than what was said before."""

import httpx
import pytest

from countermand.client import Client


@pytest.mark.parametrize(("headers", "told"), [({"countermand-behind": "0:7"}, ["0:7"]), ({}, [])])
async def test_the_frontier_that_an_answer_does_not_reach_is_told(
    headers: dict[str, str], told: list[str]
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": "x"}, headers=headers)

    late: list[str] = []
    transport = httpx.MockTransport(answer)
    async with (
        httpx.AsyncClient(base_url="http://service", transport=transport) as http,
        Client(http=http, on_late=late.append) as client,
    ):
        assert (await client.task("x"))["id"] == "x"
    assert late == told
