"""Refuses bodies beyond the limit before anybody reads them. Pure ASGI: it costs a lookup."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.refusals import TooLarge


class BodyLimit:
    """Looks at the announced length, and counts what comes without one."""

    def __init__(
        self, app: ASGIApp, limit_bytes: int, refusal: Callable[[str, TooLarge], Response]
    ) -> None:
        """`refusal`: the response to a path, in its dialect."""
        self._app = app
        self._limit_bytes = limit_bytes
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = None
        for name, value in scope["headers"]:
            if name == b"content-length":
                announced = int(value) if value.isdigit() else 0
        if announced is not None:
            if announced > self._limit_bytes:
                await self._refuse(scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        received = 0
        refused = False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._limit_bytes:
                    raise TooLarge("bytes in a body", self._limit_bytes)
            return message

        async def sent(message: Message) -> None:
            """Whatever the application makes of a body that ended like this, this is why."""
            nonlocal refused
            if received <= self._limit_bytes:
                await send(message)
            elif not refused:
                refused = True
                await self._refuse(scope, receive, send)

        await self._app(scope, counted, sent)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._refusal(scope["path"], TooLarge("bytes in a body", self._limit_bytes))
        await response(scope, receive, send)
