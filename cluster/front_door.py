"""One port for several gateways, as HAProxy is in the compose file: bytes in, bytes out.

A connection goes to the next gateway that takes it. Knows no HTTP, and looks after nobody's health
but by connecting.
"""

import asyncio
import contextlib
from collections.abc import Sequence

CHUNK_BYTES = 65_536
CONNECT_SECONDS = 2.0


class FrontDoor:
    """For one event loop."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)

    async def serve(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._pass_on, "127.0.0.1", port)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            found = await self._next_gateway()
            if found is None:
                return
            there_reader, there_writer = found
            with contextlib.closing(there_writer):
                await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer))

    async def _next_gateway(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._ports:
            # Round and round, whoever comes.
            port = self._ports.pop(0)
            self._ports.append(port)
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection("127.0.0.1", port)
        return None


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; then the other one hears it."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()
