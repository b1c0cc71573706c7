"""One attempt at a time to receivers that answer strangely, over real sockets, and to names that
change their minds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import chain, repeat

import pytest

from services.control_store.webhooks import new_secret
from services.webhooks.addresses import CheckedNetwork
from services.webhooks.sending import Attempt, Sender

ALLOWED = [ip_network("127.0.0.1/32")]
ATTEMPT_SECONDS = 0.3
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ACCEPTED = b"HTTP/1.1 204 No Content\r\n\r\n"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Names:
    """A name server that answers each question with the next address, the last one for ever."""

    def __init__(self, *addresses: str) -> None:
        self.asked = 0
        self._answers = chain(addresses, repeat(addresses[-1]))

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return [next(self._answers)]


@asynccontextmanager
async def receiving(answer: Answer) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A receiver on all addresses of this machine; its port, and what it was sent."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            await answer(writer)
        except ConnectionError:
            """Whoever asked has had enough."""
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "0.0.0.0", 0)
    try:
        yield server.sockets[0].getsockname()[1], requests
    finally:
        server.close()


async def attempts(times: int, port: int, names: Names) -> list[Attempt]:
    sender = Sender(CheckedNetwork(ALLOWED, 5.0, names.resolve), ATTEMPT_SECONDS)
    url = f"http://receiver.example:{port}/"
    try:
        return [
            await sender.send(url, "some-event", b"{}", [new_secret()], NOW) for _ in range(times)
        ]
    finally:
        await sender.close()


def saying(text: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return answer


async def drop_by_drop(writer: asyncio.StreamWriter) -> None:
    """Always another byte of the same header: nothing ever waits long for it."""
    writer.write(b"HTTP/1.1 204 No Content\r\nx-drops: ")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.01)


async def without_end(writer: asyncio.StreamWriter) -> None:
    """The status is what counts; nobody reads what follows."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\n.\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def test_an_answer_that_comes_drop_by_drop_is_given_up_in_time() -> None:
    async with receiving(drop_by_drop) as (port, _):
        (attempt,) = await attempts(1, port, Names("127.0.0.1"))

    assert attempt == (False, None, "it didn't answer within 0.3 s")


async def test_a_body_without_end_is_not_waited_for() -> None:
    async with receiving(without_end) as (port, _):
        (attempt,) = await attempts(1, port, Names("127.0.0.1"))

    assert attempt == (True, 200, "")


@pytest.mark.parametrize(
    "text", [b"", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"\x16\x03\x01"]
)
async def test_what_is_no_answer_is_a_failure(text: bytes) -> None:
    async with receiving(saying(text)) as (port, _):
        (attempt,) = await attempts(1, port, Names("127.0.0.1"))

    assert (attempt.delivered, attempt.status) == (False, None)
    assert attempt.why


async def test_a_name_that_changes_to_a_private_address_is_not_followed_there() -> None:
    """Each attempt looks the name up anew, also after it was fine; no connection is kept."""
    names = Names("127.0.0.1", "127.0.0.2")
    async with receiving(saying(ACCEPTED)) as (port, requests):
        first, second = await attempts(2, port, names)

    assert first == (True, 204, "")
    assert not second.delivered
    assert "leads to, an address that isn't public" in second.why
    assert len(requests) == 1
    assert names.asked == 2


async def test_what_was_checked_is_what_is_connected_to() -> None:
    """A name is asked for once an attempt: there is no second answer that could be another one."""
    names = Names("127.0.0.1", "127.0.0.2")
    async with receiving(saying(ACCEPTED)) as (port, _):
        (attempt,) = await attempts(1, port, names)

    assert attempt.delivered
    assert names.asked == 1


async def test_a_redirect_to_a_private_address_is_not_followed() -> None:
    to_itself = b"HTTP/1.1 307 There\r\nlocation: http://127.0.0.2/\r\ncontent-length: 0\r\n\r\n"
    async with receiving(saying(to_itself)) as (port, requests):
        (attempt,) = await attempts(1, port, Names("127.0.0.1"))

    assert (attempt.delivered, attempt.status) == (False, 307)
    assert len(requests) == 1
