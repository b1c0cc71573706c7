"""Read models that can't be read or written: a clear error, what to do, and nothing lost."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from projections.batch import folded
from services.read_models.errors import ReadModelsUnavailable
from services.read_models.generations import FOLDER, Generations
from services.read_models.writing import Writer
from tests.read_side import ListedLog, digests_of, projected
from tests.recorded import judged, records


def overwrite(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_pages(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def forget_itself(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM generation")


@pytest.mark.parametrize("damage", [overwrite, empty, damage_pages, forget_itself])
async def test_a_damaged_file_is_named_and_made_again_from_the_log(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    log = ListedLog(records(70, 100))
    await projected(tmp_path, log)
    before = digests_of(tmp_path)
    generations = Generations(tmp_path / FOLDER)
    damage(generations.path(1))
    with pytest.raises(ReadModelsUnavailable, match=r"read-models-0001.*remove it and start again"):
        await projected(tmp_path, log)
    generations.remove(1)
    await projected(tmp_path, log)
    assert digests_of(tmp_path) == before


def test_a_successor_that_is_gone_is_not_made_up(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    generations.make(1)
    with closing(sqlite3.connect(generations.path(1), isolation_level=None)) as connection:
        connection.execute("UPDATE generation SET successor = 2")
    with pytest.raises(ReadModelsUnavailable, match="successor 2 is gone"):
        generations.in_use()
    assert generations.numbers() == [1]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReadModelsUnavailable, match="file/read-models"):
        Generations(tmp_path / "file" / "read-models").in_use()


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    entries = judged(records(71, 400))
    writer = Writer(Generations(tmp_path / FOLDER).in_use())
    first = folded({}, entries[:50])
    writer.write(first, {})
    before = digests_of(tmp_path)
    # As many pages as there are: SQLite says of them what it says of a full disk.
    (pages,) = writer.session.query("PRAGMA page_count")[0]
    writer.session.query(f"PRAGMA max_page_count = {pages}")
    rest = folded(first.checkpoints, entries[50:])
    with pytest.raises(ReadModelsUnavailable, match="full"):
        writer.write(rest, first.checkpoints)
    assert digests_of(tmp_path) == before
    writer.session.query(f"PRAGMA max_page_count = {100 * pages}")
    writer.write(rest, first.checkpoints)
    writer.close()
