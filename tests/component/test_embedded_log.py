"""How the embedded log shares commits, and keeps to its bounds.

The clock, which the writer asks once for each commit, is the gate that holds it.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path
from threading import Event, Semaphore

import pytest

from events.errors import EventTooLarge, LogUnavailable
from events.log import Message
from events.positions import BEGINNING, Position
from services.embedded_log import Limits
from services.embedded_log.sqlite_file import DurableDatastore
from tests.component.logs import (
    PATIENCE_SECONDS,
    a_reader,
    append,
    everything,
    some,
    the_log,
    values,
)


class Gate:
    """A clock that counts the commits, and lets each pass when it is told to."""

    def __init__(self) -> None:
        self._asked = Semaphore(0)
        self._pass = Semaphore(0)
        self._open = Event()
        self._commits = 0

    def __call__(self) -> int:
        self._asked.release()
        if not self._open.is_set():
            assert self._pass.acquire(timeout=PATIENCE_SECONDS)
        self._commits += 1
        return self._commits

    async def reached(self) -> None:
        """The next commit is about to begin."""
        assert await asyncio.to_thread(self._asked.acquire, timeout=PATIENCE_SECONDS)

    def open(self) -> None:
        self._open.set()
        self._pass.release()


async def test_whoever_waits_while_a_commit_runs_shares_the_next(tmp_path: Path) -> None:
    gate = Gate()
    async with the_log(tmp_path / "history.db", gate) as log:
        async with asyncio.TaskGroup() as group:
            group.create_task(append(log, some(1)))
            await gate.reached()
            for number in range(1, 51):
                group.create_task(append(log, some(1, number)))
            await asyncio.sleep(0)  # all of them have begun
            gate.open()

        commits = [record.appended_at_us for record in await everything(log)]
    assert commits == [1] + [2] * 50


async def test_no_commit_is_larger_than_the_limit(tmp_path: Path) -> None:
    gate = Gate()
    gate.open()
    limits = Limits(commit_limit_messages=4)
    async with the_log(tmp_path / "history.db", gate, limits) as log:
        positions = await append(log, some(10))

        commits = [record.appended_at_us for record in await everything(log)]
    assert positions == [Position(0, number) for number in range(10)]
    assert commits == [1] * 4 + [2] * 4 + [3] * 2


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(queue_limit_messages=10), id="messages"),
        pytest.param(Limits(queue_limit_bytes=10_100), id="bytes"),
    ],
)
async def test_a_full_queue_makes_appends_wait_outside(tmp_path: Path, limits: Limits) -> None:
    gate = Gate()
    async with the_log(tmp_path / "history.db", gate, limits) as log:
        async with asyncio.TaskGroup() as group:
            inside = group.create_task(append(log, some(8)))
            await gate.reached()
            outside = group.create_task(append(log, [b"given up", *some(8, 8)]))
            behind = group.create_task(append(log, some(2, 8)))
            await asyncio.sleep(0)  # they have begun
            outside.cancel()
            gate.open()

        assert inside.done()
        assert behind.done()
        assert await values(log) == some(10)


async def test_an_append_larger_than_the_queue_goes_alone(tmp_path: Path) -> None:
    limits = Limits(queue_limit_messages=10, queue_limit_bytes=5_000)
    async with the_log(tmp_path / "history.db", limits=limits) as log:
        async with asyncio.TaskGroup() as group:
            for start in range(0, 90, 30):
                group.create_task(append(log, some(30, start)))

        assert await values(log) == some(90)


async def test_closing_lets_appends_end_that_wait_for_room(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    limits = Limits(queue_limit_messages=2)
    async with the_log(path, limits=limits) as log, asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(append(log, some(1, number)))
        await asyncio.sleep(0)  # all of them have begun
        await log.close()

    async with the_log(path) as again:
        assert await values(again) == some(50)


async def test_an_append_that_takes_too_long_is_unknown_and_the_log_goes_on(tmp_path: Path) -> None:
    gate = Gate()
    limits = Limits(append_timeout_seconds=0.05, queue_limit_messages=1)
    async with the_log(tmp_path / "history.db", gate, limits) as log:
        stuck, outside = await asyncio.gather(
            append(log, some(1)), append(log, some(1, 99)), return_exceptions=True
        )
        gate.open()
        assert isinstance(stuck, LogUnavailable)
        assert isinstance(outside, LogUnavailable)
        assert "repeat with the same event ids" in str(stuck)

        [position] = await append(log, some(1, 1))
        assert position == Position(0, 1)
        assert await values(log) == some(2)


async def test_a_closing_log_that_is_stuck_says_so_and_can_be_closed_later(tmp_path: Path) -> None:
    gate = Gate()
    limits = Limits(append_timeout_seconds=0.5)
    async with the_log(tmp_path / "history.db", gate, limits) as log:
        with pytest.raises(LogUnavailable):
            await append(log, some(1))
        with pytest.raises(LogUnavailable, match="still writing"):
            await log.close()
        gate.open()
        await log.close()

    async with the_log(tmp_path / "history.db") as again:
        assert await values(again) == some(1)


async def test_the_limit_of_a_message_is_a_setting(tmp_path: Path) -> None:
    limits = Limits(message_limit_bytes=10)
    async with the_log(tmp_path / "history.db", limits=limits) as log:
        with pytest.raises(EventTooLarge, match="the log takes 10"):
            await log.append([Message("acme/a", b"x" * 11)])
        await log.append([Message("acme/a", b"x" * 10)])


async def test_a_read_is_bounded_in_bytes(tmp_path: Path) -> None:
    limits = Limits(read_limit_bytes=5_000, read_slice_records=2)
    async with the_log(tmp_path / "history.db", limits=limits) as log:
        await append(log, some(100))

        assert len(await log.read(BEGINNING, 1000)) == 6
        assert await values(log) == some(100)


async def test_a_read_asks_for_one_record_at_least(tmp_path: Path) -> None:
    async with the_log(tmp_path / "history.db") as log:
        with pytest.raises(ValueError, match="one record at least"):
            await log.read(BEGINNING, 0)


async def test_a_long_read_leaves_others_their_turn(tmp_path: Path) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    limits = Limits(read_slice_records=10)
    async with the_log(tmp_path / "history.db", limits=limits) as log:
        await append(log, some(500))
        task = asyncio.create_task(other())
        await asyncio.sleep(0)  # it has begun
        turns = 0
        assert len(await log.read(BEGINNING, 1000)) == 500
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert turns >= 49


async def test_a_reader_beside_the_writer_sees_what_is_appended_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    async with the_log(path) as log, a_reader(path) as reader:
        for number in range(5):
            assert await reader.end() == {0: number}
            assert await values(reader) == some(number)
            await append(log, some(1, number))


async def test_every_connection_waits_for_the_disk(tmp_path: Path) -> None:
    with (
        closing(DurableDatastore(tmp_path / "history.db", "rwc")) as datastore,
        datastore.transaction(commit=True) as cursor,
    ):
        cursor.execute("PRAGMA synchronous")
        assert cursor.fetchone()[0] == 2
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone()[0] == "wal"


async def test_where_nothing_is_durable_no_log_is_opened() -> None:
    datastore = DurableDatastore(Path(":memory:"), "rwc")
    with (
        pytest.raises(LogUnavailable, match="Put it on a local file system"),
        datastore.transaction(commit=True),
    ):
        pass


FORGETS_TO_CLOSE = """
import asyncio, sys
from pathlib import Path
from events.log import Message
from services.embedded_log import open_log

async def main():
    log = await open_log(Path(sys.argv[1]), "history", lambda: 1)
    await log.append([Message("acme/a", b"stored")])

asyncio.run(main())
"""


async def test_a_process_that_forgets_to_close_its_log_ends_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FORGETS_TO_CLOSE, str(path), stderr=PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert (process.returncode, said) == (0, b"")
    async with the_log(path) as log:
        assert await values(log) == [b"stored"]
