"""HTTP to servers that aren't ours.

A server may close a connection in the very moment in which it opens. Nothing is left then that
anyio could describe, and on uvloop it fails with an AttributeError rather than saying that the
connection broke; uncaught, that would end the service whose call it was.
"""

from typing import Any

import httpx


class OutgoingClient(httpx.AsyncClient):
    """What goes wrong on the way is an `httpx.HTTPError`."""

    async def send(self, request: httpx.Request, **more: Any) -> httpx.Response:
        try:
            return await super().send(request, **more)
        except AttributeError as error:
            raise httpx.ConnectError("the connection was closed as it opened") from error
