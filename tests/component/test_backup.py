"""What can't be backed up or restored is refused in words, and nothing is left half made."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from events.errors import CountermandError
from services.backup import MANIFEST, STORES, Manifest, NoBackup, back_up, restore
from services.settings import Settings
from tests.component.test_log_failures import no_file_may_grow_beyond

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("missing", STORES)
def test_a_folder_that_no_service_has_used_is_refused(tmp_path: Path, missing: str) -> None:
    data, target = tmp_path / "data", tmp_path / "backup"
    data.mkdir()
    for name in set(STORES) - {missing}:
        with closing(sqlite3.connect(data / name)) as made:
            made.execute("CREATE TABLE something (id)")

    with pytest.raises(NoBackup, match=missing):
        back_up(Settings(data=data), None, target, NOW, lambda *_: None)

    assert list(tmp_path.iterdir()) == [data]


@pytest.mark.parametrize("unnamed", STORES)
def test_a_manifest_that_leaves_out_a_store_is_refused(tmp_path: Path, unnamed: str) -> None:
    source, data = tmp_path / "backup", tmp_path / "data"
    source.mkdir()
    named = [name for name in STORES if name != unnamed]
    for name in STORES:
        (source / name).touch()
    files = [{"name": name, "size_bytes": 0, "sha256": ""} for name in named]
    manifest = Manifest.model_validate(
        {
            "made_at": NOW,
            "region": "local",
            "files": files,
            "events": 0,
            "digest": "",
            "with_secret_keys": False,
        }
    )
    (source / MANIFEST).write_text(json.dumps(manifest.model_dump(mode="json")))

    with pytest.raises(NoBackup, match=f"names no {unnamed}"):
        restore(source, data, lambda *_: None)

    assert list(tmp_path.iterdir()) == [source]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder whose files have something in them."""
    data = tmp_path / "data"
    data.mkdir()
    for name in STORES:
        with closing(sqlite3.connect(data / name)) as made:
            made.execute("CREATE TABLE secret_keys (id)")
            made.execute(
                "CREATE TABLE stored_events (originator_id, originator_version, topic, state)"
            )
            made.executemany(
                "INSERT INTO stored_events VALUES ('history', ?, '1', ?)",
                [(number, b"x" * 1000) for number in range(200)],
            )
            made.commit()
    return data


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("offset", [0, 40_960])
def test_a_damaged_file_is_named_and_nothing_is_backed_up(
    tmp_path: Path, data: Path, name: str, offset: int
) -> None:
    with (data / name).open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * 4096)

    with pytest.raises(CountermandError, match=rf"{name} is damaged .*restore an earlier backup"):
        back_up(Settings(data=data), None, tmp_path / "backup", NOW, lambda *_: None)

    assert list(tmp_path.iterdir()) == [data]


def test_a_full_disk_is_said_and_nothing_is_left_on_it(tmp_path: Path, data: Path) -> None:
    target, restored = tmp_path / "backup", tmp_path / "restored"
    settings = Settings(data=data)
    for limit_bytes in (4096, 100_000):
        with (
            no_file_may_grow_beyond(limit_bytes),
            pytest.raises(CountermandError, match=r"disk is full.*Make room"),
        ):
            back_up(settings, None, target, NOW, lambda *_: None)
        assert list(tmp_path.iterdir()) == [data]

    back_up(settings, None, target, NOW, lambda *_: None)
    with (
        no_file_may_grow_beyond(4096),
        pytest.raises(CountermandError, match=r"disk is full.*Make room"),
    ):
        restore(target, restored, lambda *_: None)
    assert set(tmp_path.iterdir()) == {data, target}
    restore(target, restored, lambda *_: None)
