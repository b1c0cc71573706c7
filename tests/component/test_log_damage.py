"""A damaged file is refused, never repaired in silence; a crash damages nothing."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from events.errors import LogDamaged
from events.positions import BEGINNING, Position
from services.embedded_log import open_log, open_log_reader
from tests.component.logs import a_closed_log, append, everything, now_us, some, the_log, values


def overwrite(path: Path, offset: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * length)


def cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(lambda path: overwrite(path, 0, 100), "damaged", id="header"),
        pytest.param(lambda path: cut(path, path.stat().st_size // 2), "damaged", id="cut"),
        pytest.param(
            lambda path: change(path, "DELETE FROM stored_events WHERE rowid = 700"),
            "has lost records",
            id="record removed",
        ),
        pytest.param(
            lambda path: change(path, "DELETE FROM stored_events WHERE rowid = 1"),
            "has lost record 0",
            id="first record removed",
        ),
        pytest.param(
            lambda path: change(path, "UPDATE stored_events SET state = 'x' WHERE rowid = 1000"),
            "record 999 isn't as it was written",
            id="last record changed",
        ),
        pytest.param(
            lambda path: change(path, f"UPDATE stored_events SET topic = '{10**20}'"),
            "record 0 isn't as it was written",
            id="append times changed",
        ),
    ],
)
async def test_a_damaged_file_is_refused_and_left_as_it_is(
    tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / "history.db"
    await a_closed_log(path, 1000)
    damage(path)
    before = path.read_bytes()

    with pytest.raises(LogDamaged, match=says) as raised:
        await open_log(path, "history", now_us)
    with pytest.raises(LogDamaged, match=says):
        await open_log_reader(path, "history")

    assert "restore a backup" in str(raised.value)
    assert path.read_bytes() == before


async def test_damage_amid_the_file_is_found_by_whoever_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await a_closed_log(path, 1000)
    overwrite(path, path.stat().st_size // 8 * 4, 20_000)

    async with the_log(path) as log:
        with pytest.raises(LogDamaged, match="restore a backup"):
            await everything(log)
        assert [record.value for record in await log.read(BEGINNING, 100)] == some(100)
        assert [record.value for record in await log.read({0: 900}, 100)] == some(100, 900)


async def test_the_file_of_another_stream_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await a_closed_log(path, 5)

    with pytest.raises(LogDamaged, match="Check which file is configured for which stream"):
        await open_log(path, "output", now_us)

    async with the_log(path) as log:
        assert await values(log) == some(5)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM stored_events WHERE rowid > 10", id="the last removed"),
        pytest.param("DELETE FROM stored_events WHERE rowid = 11", id="one removed"),
        pytest.param(
            "UPDATE stored_events SET originator_version = 99 WHERE rowid = 11", id="renumbered"
        ),
    ],
)
async def test_a_record_that_is_missing_is_named_by_whoever_reads_there(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "history.db"
    async with the_log(path) as log:
        await append(log, some(20))
        change(path, statement)

        with pytest.raises(LogDamaged, match="has lost record 10"):
            await everything(log)


async def test_a_clock_that_goes_backwards_changes_no_order(tmp_path: Path) -> None:
    times = [3_000, 1_000, 2_000, -5]
    clock = iter(times)
    async with the_log(tmp_path / "history.db", lambda: next(clock)) as log:
        for number in range(len(times)):
            assert await append(log, some(1, number)) == [Position(0, number)]

        records = await everything(log)

    assert [record.value for record in records] == some(len(times))
    assert [record.appended_at_us for record in records] == times


def frames_of(wal: Path) -> bytes:
    """What was written ahead, without the room behind it: a header of 32 bytes, then each page of
    4096 behind 24 of its own."""
    written = wal.read_bytes().rstrip(b"\0")
    return written.ljust(32 + -(-(len(written) - 32) // 4120) * 4120, b"\0")


async def test_a_commit_that_was_cut_off_leaves_nothing_torn(tmp_path: Path) -> None:
    path, wal = tmp_path / "history.db", tmp_path / "history.db-wal"
    async with the_log(path) as log:
        await append(log, some(5))
        acknowledged_bytes = len(frames_of(wal))
        await append(log, some(20, 5))
        whole = frames_of(wal)
        assert len(whole) > acknowledged_bytes + 10_000
        shutil.copy(path, tmp_path / "copy.db")

    outcomes = set()
    for size in (*range(acknowledged_bytes, len(whole), 3_000), len(whole)):
        crashed = tmp_path / f"crashed-{size}.db"
        shutil.copy(tmp_path / "copy.db", crashed)
        crashed.with_name(crashed.name + "-wal").write_bytes(whole[:size] + b"\xa5" * 3_000)
        async with the_log(crashed) as log:
            found = await values(log)
            assert found in (some(5), some(25))
            outcomes.add(len(found))
            assert await append(log, [b"next"]) == [Position(0, len(found))]
            assert await values(log) == [*found, b"next"]
    assert outcomes == {5, 25}
