"""A server that slams the door ends a call, and never the service that made it."""

import socket
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network

import httpx
import pytest
import uvloop

from services.outgoing import OutgoingClient
from services.webhooks.addresses import CheckedNetwork
from services.webhooks.sending import Attempt, Sender

CALLS = 5_000
"""At most: each tenth or so meets the moment in which nothing of the connection is left, and on a
busy machine far fewer."""
SENDS = 200
MET = "the connection was closed as it opened"


@pytest.fixture
def slamming() -> Iterator[str]:
    """The URL of a server that resets every connection as it opens."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            connection, _ = server.accept()
            with connection:
                if closing.is_set():
                    return
                at_once = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

    closing = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    address = server.getsockname()
    yield f"http://127.0.0.1:{address[1]}/"
    closing.set()
    socket.create_connection(address).close()
    thread.join()
    server.close()


def test_every_call_fails_as_calls_do(slamming: str) -> None:
    async def call() -> list[str]:
        seen: list[str] = []
        async with OutgoingClient() as client:
            while MET not in seen and len(seen) < CALLS:
                with pytest.raises(httpx.HTTPError) as failed:
                    await client.get(slamming)
                seen.append(str(failed.value))
        return seen

    assert MET in uvloop.run(call()), "the moment was never met"


def test_every_delivery_fails_as_deliveries_do(slamming: str) -> None:
    async def deliver() -> list[Attempt]:
        sender = Sender(CheckedNetwork([IPv4Network("127.0.0.0/8")], 5), attempt_seconds=10)
        try:
            now = datetime.now(UTC)
            return [await sender.send(slamming, "id", b"{}", [], now) for _ in range(SENDS)]
        finally:
            await sender.close()

    assert {attempt.delivered for attempt in uvloop.run(deliver())} == {False}
