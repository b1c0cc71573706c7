"""What can't be backed up or restored is refused in words, and nothing is left half made."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

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


def test_a_full_disk_is_said_and_not_kept_full(tmp_path: Path) -> None:
    data, target = tmp_path / "data", tmp_path / "backup"
    data.mkdir()
    for name in STORES:
        with closing(sqlite3.connect(data / name)) as made:
            made.execute("CREATE TABLE something (id)")
            made.execute("INSERT INTO something VALUES (zeroblob(500000))")
            made.commit()

    with no_file_may_grow_beyond(200_000), pytest.raises(NoBackup, match="make room there"):
        back_up(Settings(data=data), None, target, NOW, lambda *_: None, with_secret_keys=True)

    assert list(tmp_path.iterdir()) == [data]
