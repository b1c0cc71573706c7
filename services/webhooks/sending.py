"""One attempt: signed, bounded in time, and nothing read of the answer but its status."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import httpcore
from pydantic_core import to_json
from standardwebhooks import Webhook

from events.positions import written_position
from services.read_models.rows import HistoryLine
from services.webhooks.addresses import AddressRefused, CheckedNetwork

FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    AddressRefused,
    OSError,
    TimeoutError,
    UnicodeError,
    AttributeError,  # Of anyio: see `services.outgoing`.
)
ERROR_LIMIT_CHARACTERS = 300


class Attempt(NamedTuple):
    """What came of it."""

    delivered: bool
    status: int | None
    why: str


class Sender:
    """For all endpoints of a process."""

    def __init__(self, network: CheckedNetwork, attempt_seconds: float) -> None:
        self._attempt_seconds = attempt_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=network,
        )

    async def send(
        self, url: str, id: str, body: bytes, secrets: Sequence[str], now: datetime
    ) -> Attempt:
        """Accepted is what is answered by a 2xx; whatever else is said, it will be sent again."""
        headers = {
            "content-type": "application/json",
            "user-agent": "countermand",
            **signed(id, body, secrets, now),
        }
        try:
            async with (
                asyncio.timeout(self._attempt_seconds),
                self._pool.stream("POST", url, headers=list(headers.items()), content=body) as said,
            ):
                return judged(said.status)
        except TimeoutError:
            why = f"it didn't answer within {self._attempt_seconds:g} s"
            return Attempt(False, None, why)
        except FAILURES as error:
            text = str(error) or type(error).__name__
            return Attempt(False, None, text[:ERROR_LIMIT_CHARACTERS])

    async def close(self) -> None:
        await self._pool.aclose()


def judged(status: int) -> Attempt:
    if 200 <= status < 300:
        return Attempt(True, status, "")
    if 300 <= status < 400:
        return Attempt(False, status, f"{status}: redirects aren't followed; name where it leads")
    return Attempt(False, status, f"it answered {status}")


def signed(id: str, body: bytes, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """By each secret that is good now, so that a receiver may know either."""
    text = body.decode()
    signatures = [Webhook(each).sign(msg_id=id, timestamp=now, data=text) for each in secrets]
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def payload(line: HistoryLine) -> bytes:
    """The event as the log has it, where it stands, and what it did."""
    assert line.event is not None
    about = to_json(
        {
            "position": written_position(line.position),
            "appended_at": line.appended_at,
            "verdict": line.verdict,
            "reason": line.reason,
            "status": line.status,
        }
    )
    head = to_json({"type": line.event.type, "timestamp": line.event.time})
    return b"%b,%b%b,%b%b}}" % (head[:-1], b'"data":', about[:-1], b'"event":', line.value)
