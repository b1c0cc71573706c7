"""A full disk, a read-only or locked file: a clear error, and what was acknowledged stays."""

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from events.errors import LogUnavailable
from events.positions import Position
from services.embedded_log import open_log, open_log_reader
from tests.component.logs import a_closed_log, append, now_us, some, the_log, values

NOBODY = 65534


@contextmanager
def no_file_may_grow_beyond(limit_bytes: int) -> Iterator[None]:
    """What a full disk is to SQLite, for every user and on every machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_on_a_full_disk_what_was_acknowledged_stays_and_room_ends_the_trouble(
    tmp_path: Path,
) -> None:
    path = tmp_path / "history.db"
    async with the_log(path) as log:
        await append(log, some(50))
        with no_file_may_grow_beyond(200_000):
            acknowledged = 50
            with suppress(LogUnavailable):
                while True:
                    await append(log, some(10, acknowledged))
                    acknowledged += 10
            with pytest.raises(LogUnavailable, match="Make room, then repeat"):
                await append(log, some(1000, acknowledged))
            assert acknowledged > 50
            assert await values(log) == some(acknowledged)
            assert await log.end() == {0: acknowledged}

        positions = await append(log, some(10, acknowledged))
        assert positions == [Position(0, acknowledged + number) for number in range(10)]

    async with the_log(path) as again:
        assert await values(again) == some(acknowledged + 10)


async def test_a_disk_that_is_full_when_the_log_is_opened_says_so(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with no_file_may_grow_beyond(1000), pytest.raises(LogUnavailable, match="Make room"):
        await open_log(path, "history", now_us)

    await a_closed_log(path, 1)


@contextmanager
def as_somebody_without_privileges() -> Iterator[None]:
    """Nothing is write-protected for root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter and write."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)


async def test_a_read_only_file_is_refused_with_what_to_do(open_folder: Path) -> None:
    path = open_folder / "history.db"
    await a_closed_log(path, 5)
    path.chmod(0o444)
    (open_folder / "history.db.lock").chmod(0o666)

    with as_somebody_without_privileges(), pytest.raises(LogUnavailable) as raised:
        await open_log(path, "history", now_us)

    assert "Let this user write the file and its folder" in str(raised.value)
    assert str(path) in str(raised.value)
    path.chmod(0o644)
    async with the_log(path) as log:
        assert await values(log) == some(5)


async def test_a_read_only_folder_is_refused_with_what_to_do(open_folder: Path) -> None:
    path = open_folder / "history.db"
    await a_closed_log(path, 5)
    (open_folder / "history.db.lock").unlink()
    os.chmod(open_folder, 0o555)

    with as_somebody_without_privileges(), pytest.raises(LogUnavailable) as raised:
        await open_log(path, "history", now_us)

    assert "Let this user write that folder" in str(raised.value)
    os.chmod(open_folder, 0o777)
    async with the_log(path) as log:
        assert await values(log) == some(5)


async def test_a_log_that_is_not_there_is_not_made_by_reading_it(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="can't be opened"):
        await open_log_reader(tmp_path / "history.db", "history")

    assert os.listdir(tmp_path) == []


async def test_a_program_that_holds_the_file_locked_is_waited_for_and_then_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "history.db"
    async with the_log(path) as log:
        with closing(sqlite3.connect(path, isolation_level=None)) as shell:
            shell.execute("BEGIN IMMEDIATE")
            with pytest.raises(LogUnavailable, match="held by another program"):
                await append(log, some(1))
        assert await append(log, some(1)) == [Position(0, 0)]
