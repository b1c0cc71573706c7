"""What can't be backed up or restored is refused in words, and nothing is left half made."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from events.errors import CountermandError
from services.backed_up_settings import EFFECTIVE, HIDDEN, Differing, differing, keep, written
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


@pytest.mark.parametrize("unnamed", [*STORES, EFFECTIVE])
def test_a_manifest_that_leaves_out_a_store_is_refused(tmp_path: Path, unnamed: str) -> None:
    source, data = tmp_path / "backup", tmp_path / "data"
    source.mkdir()
    named = [name for name in (*STORES, EFFECTIVE) if name != unnamed]
    for name in (*STORES, EFFECTIVE):
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


def test_settings_that_are_others_now_are_named_and_secrets_arent_told(tmp_path: Path) -> None:
    port, token = Settings().gateway.port, {"metrics_token": "for-prometheus"}
    store = "postgresql://me:s3cret@db/control"
    changed = {"gateway": {"port": port + 1}, "telemetry": token, "control_store_url": store}
    then = Settings.model_validate(changed)
    text = written(then)
    assert "for-prometheus" not in text
    assert "s3cret" not in text
    document = json.loads(text)
    document["of_another_release"] = {"limit": 7}
    document["roles"] = {role: may[::-1] for role, may in document["roles"].items()}
    (tmp_path / EFFECTIVE).write_text(json.dumps(document))

    assert differing(tmp_path, Settings(data=tmp_path)) == [
        Differing("control_store_url", "**********", None),
        Differing("gateway.port", port + 1, port),
        Differing("telemetry.metrics_token", "**********", None),
        Differing("of_another_release.limit", 7, None),
    ]


def test_what_a_command_has_in_its_environment_is_named_and_not_told() -> None:
    command = {"argv": ["deploy"], "environment": {"TOKEN": "s3cret"}}
    text = written(Settings.model_validate({"executor": {"commands": {"deploy": command}}}))
    assert "s3cret" not in text
    assert json.loads(text)["executor"]["commands"]["deploy"]["environment"] == {"TOKEN": HIDDEN}


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


def test_what_the_service_was_started_with_is_backed_up_whatever_the_backup_is_told(
    tmp_path: Path, data: Path
) -> None:
    back_up(Settings(data=data), None, tmp_path / "of-earlier", NOW, lambda *_: None)
    started = Settings.model_validate({"data": data, "region": "eu"})
    keep(started)
    back_up(Settings(data=data), None, tmp_path / "of-started", NOW, lambda *_: None)

    assert differing(tmp_path / "of-earlier", Settings()) == []
    assert differing(tmp_path / "of-started", Settings()) == [
        Differing("region", "eu", Settings().region)
    ]
    assert differing(tmp_path / "of-started", started) == []


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
