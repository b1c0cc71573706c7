"""What the callers of open requests are told when the service ends under them.

A service that is told to end waits for them, within its grace. One that ends for another reason, or
whose grace is over, cancels them: nobody else ever does.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from events.errors import CountermandError
from services.gateway.streaming import HANG_UP
from services.refusals import Unavailable

GONE_SECONDS = 1.0
"""For a connection that was cut to be gone."""

log = structlog.get_logger(__name__)


class ServiceEnds(Unavailable):
    """The request may have been taken or not."""

    def __init__(self) -> None:
        super().__init__(
            "this service is ending. What it has accepted is durable; whether that goes for this "
            "request is unknown: repeat it with the same Idempotency-Key"
        )


class Ending:
    """Around the application. Says once, in one line, that requests were cut off."""

    def __init__(self, app: ASGIApp, refusal: Callable[[str, CountermandError], Response]) -> None:
        """`refusal`: the response to a path, in its dialect."""
        self._app = app
        self._refusal = refusal
        self._open = 0
        self._said = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        self._open += 1
        try:
            await self._app(scope, receive, sent)
        except asyncio.CancelledError:  # by whoever ends the service: this is the end of its task
            self._say()
            if begun:
                await _hung_up(scope, receive)
            else:
                await self._refusal(scope["path"], ServiceEnds())(scope, receive, send)
        finally:
            self._open -= 1

    def _say(self) -> None:
        if not self._said:
            self._said = True
            log.error("the service ends, and cuts off open requests", requests=self._open)


async def _hung_up(scope: Scope, receive: Receive) -> None:
    """Cut: an answer that were ended would be believed to be whole."""
    scope[HANG_UP]()
    with suppress(TimeoutError):
        async with asyncio.timeout(GONE_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass
