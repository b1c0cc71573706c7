"""A copy of everything that can't be made again: the logs, the control store, the settings.

Made while the service runs, of one state of each file. The control store is copied before the
logs: what it says is durable must be in them. The read models follow from the history, and
aren't copied. A backup has its name only once it is whole, and is restored only if every byte is
as it was.
"""

import errno
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from events.errors import CountermandError
from services.backed_up_settings import EFFECTIVE, kept
from services.control_store import tables
from services.database_copies import Took, copy_database, explained
from services.importing import digest_of_file
from services.settings import Settings

MANIFEST = "manifest.json"
HISTORY = "history.sqlite"
CONTROL = "control.sqlite"
LOGS = ("output.sqlite", HISTORY)
STORES = (CONTROL, *LOGS)
"""What a data folder, and a backup of it, can't be without."""
CONFIGURATION = "countermand.toml"
CHUNK_BYTES = 1_000_000
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class NoBackup(CountermandError):
    """A backup can't be made, or this is none that can be restored."""


class BackupFile(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    size_bytes: int
    sha256: str


class Manifest(BaseModel):
    """What a backup holds. Without it, it isn't one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: AwareDatetime
    region: str
    files: tuple[BackupFile, ...]
    events: int
    digest: str
    """Of the history's bytes, as exports and imports count it."""
    with_secret_keys: bool


def back_up(
    settings: Settings,
    config: Path | None,
    target: Path,
    now: datetime,
    took: Took,
    *,
    with_secret_keys: bool = False,
) -> Manifest:
    """Make a backup in a new folder. The service may run; nothing of it is held up."""
    if settings.control_store_url is not None:
        raise NoBackup(
            "the control store isn't in the data folder: back up its database with its own tools, "
            "before the logs, and copy the logs with the service stopped"
        )
    if target.exists():
        raise NoBackup(f"{target} is there already: name a new folder")
    for name in STORES:
        if not (settings.data / name).is_file():
            raise NoBackup(
                f"there is no {name} in {settings.data}: name the data folder of a service that "
                "was started at least once"
            )
    with whole(target) as making:
        # 1. The control store first, then the logs.
        copy_database(settings.data / CONTROL, making / CONTROL, took)
        if not with_secret_keys:
            forget_secret_keys(making / CONTROL)
        for name in LOGS:
            copy_database(settings.data / name, making / name, took)
        # 2. The settings.
        (making / EFFECTIVE).write_text(kept(settings))
        if config is not None:
            shutil.copyfile(config, making / CONFIGURATION)
        # 3. What is there now, said last.
        history = digest_of_file(making / HISTORY)
        manifest = Manifest(
            made_at=now,
            region=settings.region,
            files=tuple(described(path) for path in sorted(making.iterdir())),
            events=history.events,
            digest=history.hexdigest(),
            with_secret_keys=with_secret_keys,
        )
        (making / MANIFEST).write_text(manifest.model_dump_json(indent=2))
    return manifest


def restore(source: Path, data: Path, took: Took) -> Manifest:
    """Make a data folder of a backup. All or nothing."""
    manifest = read_manifest(source)
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise NoBackup(f"{data} isn't empty: restore into a new folder")
    with whole(data) as making:
        for file in manifest.files:
            shutil.copyfile(source / file.name, making / file.name)
            took(file.name, file.size_bytes, file.size_bytes)
            check(making / file.name, file, source)
        history = digest_of_file(making / HISTORY)
        if (history.events, history.hexdigest()) != (manifest.events, manifest.digest):
            raise NoBackup(f"the history in {source} isn't the one that was backed up")
        if data.exists():
            data.rmdir()
    return manifest


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A folder to fill, which has the name of `target` once that is done. Of one that can't be
    filled nothing is left: it would take the room that may have been wanting."""
    making = target.with_name(target.name + ".partial")
    shutil.rmtree(making, ignore_errors=True)
    try:
        making.mkdir(parents=True, mode=0o700)
        yield making
        put_in_place(making, target)
    except BaseException as error:
        shutil.rmtree(making, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise NoBackup(
                f"{target}: the disk is full or over its quota ({error.strerror}). Make room, or "
                "name a folder on another disk"
            ) from error
        raise


def read_manifest(source: Path) -> Manifest:
    """Of a backup all of whose files are there."""
    try:
        manifest = Manifest.model_validate_json((source / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise NoBackup(f"there is no whole backup in {source}: it has no {MANIFEST}") from None
    except ValidationError:
        raise NoBackup(f"{source / MANIFEST} isn't one that this release writes") from None
    names = {file.name for file in manifest.files}
    for name in sorted(names):
        if Path(name).name != name or not (source / name).is_file():
            raise NoBackup(f"{source} has no file {name!r}: the backup isn't whole")
    for name in (*STORES, EFFECTIVE):
        if name not in names:
            raise NoBackup(f"{source / MANIFEST} names no {name}: the backup isn't whole")
    return manifest


def forget_secret_keys(control: Path) -> None:
    """A key is destroyed when its task ends; a copy of it would outlive that."""
    with (
        explained(control, control),
        closing(sqlite3.connect(control, isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(f"DELETE FROM {tables.secret_keys.name}")
        connection.execute("VACUUM")


def described(path: Path) -> BackupFile:
    return BackupFile(name=path.name, size_bytes=path.stat().st_size, sha256=sha256_of(path))


def check(path: Path, file: BackupFile, source: Path) -> None:
    if (path.stat().st_size, sha256_of(path)) != (file.size_bytes, file.sha256):
        raise NoBackup(f"{source / file.name} isn't as it was when the backup was made")


def sha256_of(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            hashed.update(chunk)
    return hashed.hexdigest()


def put_in_place(making: Path, target: Path) -> None:
    """Give it its name, once all of it is on the disk, and nobody but its user may read it."""
    for path in making.iterdir():
        path.chmod(0o600)
    for path in (*making.iterdir(), making):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    making.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
