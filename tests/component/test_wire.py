"""The connections over which parcels go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from services.bridge.http_dock import lines_of, trust
from services.bridge.wire import BrokenWire, NotOk, Wire
from services.regions.settings import RegionAddress

ADDRESS = RegionAddress.model_validate({"url": "http://x", "key": "k"})
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LINES = [bytes([65 + n]) * 900_000 for n in range(6)]


@asynccontextmanager
async def answering(*pieces: bytes) -> AsyncIterator[Wire]:
    """Whoever asks gets these, and then the connection is closed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield Wire(url, {}, trust(ADDRESS), call_seconds=10)


async def all_of(wire: Wire) -> list[bytes]:
    return [piece async for piece in wire.pieces("/", 10)]


def chunk(piece: bytes) -> bytes:
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


async def test_a_stream_larger_than_what_is_held_comes_whole() -> None:
    whole = b"".join(line + b"\n" for line in LINES)
    chunks = [chunk(whole[start : start + 700_001]) for start in range(0, len(whole), 700_001)]
    async with (
        answering(HEAD, *chunks, chunk(b"")) as wire,
        aclosing(wire.pieces("/", 10)) as pieces,
        aclosing(lines_of(pieces)) as lines,
    ):
        assert [line async for line in lines] == LINES


async def test_a_stream_that_breaks_off_says_so() -> None:
    async with answering(HEAD, chunk(b"one\ntw")) as wire:
        with pytest.raises(BrokenWire):
            await all_of(wire)


async def test_what_is_no_stream_is_told_whole() -> None:
    refusal = b"HTTP/1.1 409 Conflict\r\ncontent-length: 4\r\n\r\nno"
    async with answering(refusal, b"pe") as wire:
        with pytest.raises(NotOk) as refused:
            await anext(wire.pieces("/", 10))
    assert refused.value.answer == (409, b"nope")


async def test_silence_is_an_error() -> None:
    async with answering(HEAD, chunk(b"one\n")) as wire:
        pieces = wire.pieces("/", 0.0)
        with pytest.raises(TimeoutError):
            await anext(pieces)
