"""One process writes the embedded log; any other is told, and may read."""

import asyncio
import os
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path

import pytest

from events.errors import LogInUse
from services.embedded_log import open_log
from services.embedded_log.stream import Stream
from tests.component.logs import (
    PATIENCE_SECONDS,
    a_reader,
    append,
    now_us,
    some,
    the_log,
    values,
)

WRITES_ONE_AND_WAITS = """
import asyncio, sys
from pathlib import Path
from events.log import Message
from services.embedded_log import open_log

async def main():
    log = await open_log(Path(sys.argv[1]), "history", lambda: 1)
    await log.append([Message("acme/a", b"theirs")])
    print("stored", flush=True)
    sys.stdin.readline()

asyncio.run(main())
"""


async def test_while_another_process_writes_the_log_may_only_be_read(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    command = [sys.executable, "-c", WRITES_ONE_AND_WAITS, str(path)]
    other = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        assert other.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await other.stdout.readline() == b"stored\n"

        with pytest.raises(LogInUse, match="end that first") as raised:
            await open_log(path, "history", now_us)
        assert f"process {other.pid}:" in str(raised.value)
        async with a_reader(path) as log:
            assert await values(log) == [b"theirs"]
            assert await log.end() == {0: 1}
    finally:
        other.kill()
        await other.wait()

    async with the_log(path) as log:
        assert await values(log) == [b"theirs"]


async def test_what_is_stored_while_a_reader_opens_the_log_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.db"
    async with the_log(path) as log:
        await append(log, some(3))
    end_of = Stream.end

    def end_before_one_more(stream: Stream) -> int:
        end = end_of(stream)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(
                "INSERT INTO stored_events VALUES ('history', ?, '1', x'00')", (end,)
            )
        return end

    monkeypatch.setattr(Stream, "end", end_before_one_more)
    async with a_reader(path) as reader:
        assert len(await reader.read({0: 0}, 10)) > 3


async def test_the_log_is_opened_for_writing_only_once_in_a_process(tmp_path: Path) -> None:
    async with the_log(tmp_path / "history.db"):
        with pytest.raises(LogInUse, match=f"process {os.getpid()}:"):
            await open_log(tmp_path / "history.db", "history", now_us)


async def test_whoever_writes_without_the_lock_stops_the_log(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    async with the_log(path) as log:
        await append(log, some(3))
        following = asyncio.ensure_future(anext(log.follow({0: 3})))
        await asyncio.sleep(0)  # it has begun to wait
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("INSERT INTO stored_events VALUES ('history', 3, '1', x'00')")

        for _ in range(2):
            with pytest.raises(LogInUse, match="Stop one of the two"):
                await append(log, some(1, 3))
        with pytest.raises(LogInUse, match="Stop one of the two"):
            await following
        assert await values(log) == some(3)
