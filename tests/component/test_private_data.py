"""A data folder holds secrets: whoever makes one keeps it to themselves."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.control_store import open_control_store
from services.embedded_log.writer_lock import WriterLock


@pytest.fixture(autouse=True)
def everybody_may_read() -> Iterator[None]:
    """What most machines have."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_control_store_and_its_folder_are_its_users_alone(tmp_path: Path) -> None:
    data = tmp_path / "of-services" / "data"
    store = open_control_store(None, data)
    try:
        beside = {path.name: rights(path) for path in data.iterdir()}
    finally:
        store.close()

    assert rights(data) == 0o700
    assert set(beside) >= {"control.sqlite", "control.sqlite-wal", "control.sqlite-shm"}
    assert set(beside.values()) == {0o600}


def test_a_folder_that_a_log_makes_is_its_users_alone(tmp_path: Path) -> None:
    WriterLock(tmp_path / "data" / "history.sqlite").close()

    assert rights(tmp_path / "data") == 0o700


def test_what_is_there_keeps_the_rights_that_it_was_given(tmp_path: Path) -> None:
    open_control_store(None, tmp_path).close()
    (tmp_path / "control.sqlite").chmod(0o640)
    tmp_path.chmod(0o750)

    open_control_store(None, tmp_path).close()

    assert (rights(tmp_path), rights(tmp_path / "control.sqlite")) == (0o750, 0o640)
