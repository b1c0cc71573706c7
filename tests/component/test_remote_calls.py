"""One request to a remote engine: what is tried again, what is refused, what is never sent."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.executor.runtimes.remote.calls import Caller, EngineRefused, Lost, NotAllowed
from services.executor.runtimes.remote.engine import Call, HttpEngine, Patience
from services.executor.runtimes.remote.trigger_dev import TriggerDev


class Answers:
    """A server that answers with these, one after the other, the last for ever."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.requests: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head.decode())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer:
            writer.write(answer)
            await writer.drain()
        writer.close()


def answer(status: int, body: str = "{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} x", f"content-length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\nconnection: close\r\n\r\n" + body).encode()


NOTHING = b""


@pytest.fixture
async def answers() -> AsyncIterator[Answers]:
    answers = Answers()
    server = await asyncio.start_server(answers.serve, "127.0.0.1", 0)
    answers.port = server.sockets[0].getsockname()[1]
    async with server:
        yield answers


async def called(
    answers: Answers,
    *expected: bytes,
    url: str = "/start",
    value: str = "a/../b?c",
    **patience: Any,
) -> Any:
    answers.answers = list(expected)
    base = f"http://127.0.0.1:{answers.port}"
    call = Call(url=base + url)
    engine = HttpEngine(
        start=call, status=call, cancel=call, words={}, patience=Patience(**patience)
    )
    caller = Caller([f"127.0.0.1:{answers.port}"])
    try:
        return await caller.call(engine, call, {"id": value}, key="the-run")
    finally:
        await caller.close()


@pytest.mark.parametrize("passing", [answer(s) for s in (408, 409, 429, 500, 503)] + [NOTHING])
async def test_what_may_pass_is_tried_again_under_the_same_key(
    answers: Answers, passing: bytes
) -> None:
    assert await called(answers, passing, answer(200, '{"id": 7}')) == {"id": 7}
    assert len(answers.requests) == 2
    assert all("idempotency-key: the-run" in each.lower() for each in answers.requests)


async def test_after_so_many_tries_it_is_unknown_what_came_of_it(answers: Answers) -> None:
    with pytest.raises(Lost):
        await called(answers, answer(500), tries=2)
    assert len(answers.requests) == 2


async def test_an_engine_that_says_so_is_not_tried_again(answers: Answers) -> None:
    with pytest.raises(Lost):
        await called(answers, answer(500, "{}", "x-should-retry: false"))
    assert len(answers.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_one_at_once(answers: Answers, status: int) -> None:
    with pytest.raises(EngineRefused) as refused:
        await called(answers, answer(status, '{"error": "no"}'))
    assert refused.value.status == status
    assert len(answers.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_after_a_try_whose_answer_was_lost_leaves_it_unknown(
    answers: Answers, status: int
) -> None:
    for lost in (NOTHING, answer(500), answer(408)):
        with pytest.raises(Lost, match=f"{status}.*after a try"):
            await called(answers, lost, answer(status))


async def test_a_refusal_after_what_surely_did_nothing_is_one(answers: Answers) -> None:
    with pytest.raises(EngineRefused):
        await called(answers, answer(429), answer(422))


async def test_a_value_that_makes_a_url_too_long_is_never_sent(answers: Answers) -> None:
    with pytest.raises(NotAllowed, match="no URL"):
        await called(answers, answer(200), url="/runs/${id}", value="x" * 100_000)
    assert answers.requests == []


async def test_what_an_engine_wants_remembered_is_not_told_to_the_next_run(
    answers: Answers,
) -> None:
    lost = answer(500, "{}", "set-cookie: session=of-one-run; Path=/")
    await called(answers, lost, answer(200))
    assert "cookie:" not in answers.requests[1].lower()


async def test_a_redirect_is_not_followed(answers: Answers) -> None:
    with pytest.raises(EngineRefused, match="redirects"):
        await called(answers, answer(302, "", f"location: http://127.0.0.1:{answers.port}/other"))
    assert len(answers.requests) == 1


async def test_an_answer_beyond_the_limit_or_too_late_or_not_json_is_lost(
    answers: Answers,
) -> None:
    with pytest.raises(Lost):
        await called(answers, answer(200, "x" * 2000), answer_limit_bytes=1000)
    with pytest.raises(Lost):
        await called(answers, answer(200, "not json"))
    unfinished = b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\nhalf"
    with pytest.raises(Lost):
        await called(answers, unfinished, tries=1)


async def test_a_value_never_changes_where_a_request_goes(answers: Answers) -> None:
    await called(answers, answer(200), url="/runs/${id}/cancel")
    assert answers.requests[0].startswith("POST /runs/a%2F..%2Fb%3Fc/cancel HTTP/1.1")


@pytest.mark.parametrize("value", [".", ".."])
async def test_a_value_never_leads_to_another_folder(answers: Answers, value: str) -> None:
    with pytest.raises(NotAllowed, match="folder"):
        await called(answers, answer(200), url="/runs/${id}/cancel", value=value)
    assert answers.requests == []


async def test_only_named_hosts_are_called() -> None:
    caller = Caller(["127.0.0.1:1", "example.test"])
    engine_call = Call(url="http://127.0.0.1:2/start")
    engine = HttpEngine(start=engine_call, status=engine_call, cancel=engine_call, words={})
    with pytest.raises(NotAllowed, match=r"127\.0\.0\.1:2"):
        await caller.call(engine, engine_call, {})
    await caller.close()


@pytest.mark.parametrize(
    "headers", [{"x-key": "sécret"}, {"x-key": "a\nb"}, {"x key": "a"}, {"": "a"}]
)
def test_headers_that_nobody_could_send_are_refused_at_the_start(headers: dict[str, str]) -> None:
    call = {"url": "http://host/x"}
    engine = {"start": call, "status": call, "cancel": call, "words": {}, "headers": headers}
    with pytest.raises(ValueError, match="header"):
        HttpEngine.model_validate(engine)
    with pytest.raises(ValueError, match="header"):
        TriggerDev.model_validate({"type": "trigger.dev", "key": "tr_é", "task": "x"})


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "/x", "http://${payload.host}/x", "http://user:secret@host/x"]
)
def test_a_template_names_its_host_itself(url: str) -> None:
    with pytest.raises(ValueError, match=r"host|URL"):
        Call(url=url)
