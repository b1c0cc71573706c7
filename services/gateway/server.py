"""uvicorn inside this process: it serves until it is told to stop, and leaves signals alone."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from services.settings import GatewaySettings


class Server(uvicorn.Server):
    """Signals belong to the composition root."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @property
    def port(self) -> int:
        """Where it listens; a port of 0 was chosen by the system."""
        port: int = self.servers[0].sockets[0].getsockname()[1]
        return port

    async def until_listening(self, timeout_seconds: float) -> None:
        async with asyncio.timeout(timeout_seconds):
            await self.listening.wait()

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.listening.set()


def new_server(app: ASGIApp, settings: GatewaySettings, grace_seconds: float) -> Server:
    return Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=max(1, int(grace_seconds)),
            limit_concurrency=settings.connections_limit,
            backlog=2048,
        )
    )
