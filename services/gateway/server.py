"""uvicorn inside this process: it serves until it is told to stop, and leaves signals alone."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from events.errors import CountermandError
from services.gateway.streaming import HANG_UP
from services.settings import GatewaySettings


class Protocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with a way to hang up on who takes nothing: closing would wait
    until all is sent."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[HANG_UP] = self.transport.abort  # type: ignore[literal-required]


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
        config = self.config
        listener = listening_at(config.host, config.port, config.backlog)
        await super().startup([listener])
        if self.started:
            self.listening.set()


OWN_ADDRESS = (
    "Name one that it has (--host): 127.0.0.1 for callers on this machine, 0.0.0.0 for those on "
    "others, too"
)


class CannotListen(CountermandError):
    """The address isn't this service's to have."""

    def __init__(self, host: str, port: int, why: OSError) -> None:
        if (why.errno or 0) < 0:  # of the resolver
            said = f"nothing is known of this name. {OWN_ADDRESS}"
        elif why.errno == errno.EADDRNOTAVAIL:
            said = f"this machine has no such address. {OWN_ADDRESS}"
        elif why.errno == errno.EACCES:
            said = "this user may not. Choose a port above 1023 (--port)"
        else:
            said = (
                f"{os.strerror(why.errno or 0)}. Stop whoever has the port, or choose another one "
                "(--port; 0 takes any that is free)"
            )
        super().__init__(f"can't listen at {host}:{port}: {said}")


def listening_at(host: str, port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        raise CannotListen(host, port, error) from None


def new_server(app: ASGIApp, settings: GatewaySettings, grace_seconds: float) -> Server:
    return Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=Protocol,
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
