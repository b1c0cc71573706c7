"""The write-ahead file that has its length before the first append."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from services.embedded_log.sqlite_file import SQLiteFile
from services.embedded_log.write_ahead import LENGTH_BYTES, lengthen


def ahead_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def test_it_has_its_length_before_anything_is_appended_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    stream = SQLiteFile(path, "history", "rwc")
    length = ahead_of(path).stat().st_size
    assert length >= LENGTH_BYTES
    for offset in range(600):  # More than a thousand pages: SQLite begins anew within.
        stream.insert(offset, [b"x" * 900], 1)
    assert ahead_of(path).stat().st_size == length
    stream.close()


def test_what_was_appended_is_found_behind_a_kill(tmp_path: Path) -> None:
    """The file as a killed process leaves it: what it wrote, and zeros."""
    path, killed = tmp_path / "history.sqlite", tmp_path / "killed.sqlite"
    stream = SQLiteFile(path, "history", "rwc")
    stream.insert(0, [b"first", b"second"], 1)
    killed.write_bytes(path.read_bytes())
    ahead_of(killed).write_bytes(ahead_of(path).read_bytes())
    stream.close()
    again = SQLiteFile(killed, "history", "rwc")
    assert [record.value for record in again.select(0, 2, 10)] == [b"first", b"second"]
    again.insert(2, [b"third"], 1)
    assert again.end() == 3
    again.close()


def test_frames_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "some.sqlite"
    table = sqlite3.connect(path, isolation_level=None)
    table.execute("PRAGMA journal_mode=WAL")
    table.execute("CREATE TABLE t (x)")
    table.execute("INSERT INTO t VALUES ('kept')")
    before = ahead_of(path).read_bytes()
    lengthen(path)
    assert ahead_of(path).read_bytes()[: len(before)] == before
    assert not any(ahead_of(path).read_bytes()[len(before) :])
    other = sqlite3.connect(path)
    assert other.execute("SELECT x FROM t").fetchall() == [("kept",)]
    other.close()
    table.close()


def test_where_there_is_no_room_it_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "some.sqlite"
    ahead_of(path).write_bytes(b"frames")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    lengthen(path)
    assert ahead_of(path).read_bytes() == b"frames"


def test_without_a_file_nothing_is_made(tmp_path: Path) -> None:
    lengthen(tmp_path / "none.sqlite")
    assert not list(tmp_path.iterdir())
