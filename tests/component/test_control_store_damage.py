"""A control store that can't be used: a clear error, what to do, and the file as it was."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services.control_store import open_control_store
from services.control_store.store import ControlStoreUnavailable


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.write_text("a file")

    with pytest.raises(ControlStoreUnavailable, match=r"data can't be used: .*Choose a folder"):
        open_control_store(None, in_the_way)


def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    path.write_bytes(b"garbage" * 1000)

    with pytest.raises(ControlStoreUnavailable, match=r"not a database\. .*restore a backup"):
        open_control_store(None, tmp_path)

    assert path.read_bytes() == b"garbage" * 1000


def test_a_store_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    open_control_store(None, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "control.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(ControlStoreUnavailable, match=r"newer release.*9999.*Start that release"):
        open_control_store(None, tmp_path)
