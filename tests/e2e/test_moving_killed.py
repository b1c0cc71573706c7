"""kill -9 in the middle of an export and of a backup, of the command and of the service: the file
goes on to the same bytes as if nothing had happened; a backup is whole or has no name."""

import random
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx
import pytest

from services.backup import HISTORY, read_manifest, restore
from services.embedded_log.offline import read_through
from tests.e2e.asking import LATER
from tests.e2e.commands import Command, begin
from tests.e2e.half_way import half_way
from tests.e2e.running import Running
from tests.proof_size import count
from tests.tallies import Tally

EVENTS = 3000
ENDING_SECONDS = 0.3
"""Within which a command that has got everything has ended."""
ENVIRONMENT = {"COUNTERMAND_LOG_LEVEL": "warning"}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("full"), environment=ENVIRONMENT)
    running.start()
    running.keep_address()
    with running.http() as http:
        for start in range(0, EVENTS, 1000):
            submit(http, [f"t-{start + n}" for n in range(1000)])
    yield running
    assert running.stop() == 0


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_an_export_goes_on_to_the_same_bytes(full: Running, folder: Path, tally: Tally) -> None:
    chance = random.Random(11)
    file = folder / "history.jsonl"
    with full.http() as http:
        whole = http.get("/export").content

    def kill(_number: int) -> bool:
        file.unlink(missing_ok=True)
        command = exporting(full, file)
        until_written(command, file, chance.uniform(0, 0.9) * len(whole))
        command.kill()
        came_half_way = 0 < file.stat().st_size < len(whole)
        assert exporting(full, file).wait() == 0, said(file)
        assert file.read_bytes() == whole
        return came_half_way

    tally(half_way(count(small=3, full=50), kill))


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_an_export_goes_on_after_the_service_was_killed(
    full: Running, folder: Path, tally: Tally
) -> None:
    """By itself when the service is back soon, where it was; else when it is run again."""
    chance = random.Random(12)
    file = folder / "history.jsonl"

    def kill(_number: int) -> bool:
        file.unlink(missing_ok=True)
        with full.http() as http:
            whole = http.get("/export").content
        command = exporting(full, file)
        until_written(command, file, chance.uniform(0, 0.7) * len(whole))
        full.kill()
        # What is on its way to the command isn't lost with the service; it may have been the rest.
        came_half_way = goes_on(command) and file.stat().st_size < len(whole)
        full.start()
        if command.wait() != 0:
            assert exporting(full, file).wait() == 0, said(file)
        assert file.read_bytes() == whole
        return came_half_way

    tally(half_way(count(small=1, full=50), kill))


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_a_backup_is_whole_or_has_no_name(full: Running, folder: Path, tally: Tally) -> None:
    chance = random.Random(13)
    target, data = folder / "backup", folder / "data"
    seconds = lasted(lambda: backing_up(full, target))

    def kill(_number: int) -> bool:
        shutil.rmtree(target, ignore_errors=True)
        command = backing_up(full, target)
        until_begun(command, target)
        time.sleep(chance.uniform(0, 0.5) * seconds)
        command.kill()
        came_half_way = not target.exists()
        if not came_half_way:
            read_manifest(target)
            shutil.rmtree(target)
        before = len(accepted)
        assert backing_up(full, target).wait() == 0, said(target)
        assert restore(target, data, lambda *_: None).events >= EVENTS + before
        shutil.rmtree(data)
        return came_half_way

    with Writing(full) as accepted:
        tally(half_way(count(small=3, full=50), kill))


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_a_backup_is_whole_although_the_service_is_killed_meanwhile(
    full: Running, folder: Path, tally: Tally
) -> None:
    """What was accepted before it began is in it, whatever state the files were left in."""
    chance = random.Random(14)
    target, data = folder / "backup", folder / "data"
    seconds = lasted(lambda: backing_up(full, target))

    def kill(number: int) -> bool:
        shutil.rmtree(target)
        task_ids = [f"before-{number}-{n}" for n in range(20)]
        with full.http() as http:
            submit(http, task_ids)
        command = backing_up(full, target)
        until_begun(command, target)
        time.sleep(chance.uniform(0, 0.5) * seconds)
        full.kill()
        came_half_way = not target.exists()
        assert command.wait() == 0, said(target)
        full.start()
        restore(target, data, lambda *_: None)
        history = b"".join(each.value for each in read_through(data / HISTORY, "history"))
        assert all(id.encode() in history for id in task_ids)
        shutil.rmtree(data)
        return came_half_way

    tally(half_way(count(small=1, full=50), kill))


def submit(http: httpx.Client, task_ids: Iterable[str]) -> None:
    tasks = [{"id": id, "kind": "sleep", "not_before": LATER} for id in task_ids]
    assert http.post("/tasks", json={"tasks": tasks}).status_code == 201


def exporting(running: Running, file: Path) -> Command:
    environment = {"COUNTERMAND_URL": running.url, "COUNTERMAND_KEY": running.key}
    return begin(["export", str(file)], beside(file, "out"), beside(file, "err"), environment)


def backing_up(running: Running, target: Path) -> Command:
    arguments = ["backup", str(target), "--data", str(running.data)]
    return begin(arguments, beside(target, "out"), beside(target, "err"))


def goes_on(command: Command) -> bool:
    try:
        command.wait(ENDING_SECONDS)
    except TimeoutError:
        return True
    return False


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def said(path: Path) -> str:
    return beside(path, "err").read_text()


def until_written(command: Command, file: Path, enough: float) -> None:
    """So many bytes, or all of them."""
    while command.alive and not (file.exists() and file.stat().st_size > enough):
        time.sleep(0.0005)


def until_begun(command: Command, target: Path) -> None:
    """The backup has a folder, not yet its name; or it is over."""
    while command.alive and not beside(target, "partial").exists():
        time.sleep(0.0005)


def lasted(begun: Callable[[], Command]) -> float:
    began = time.monotonic()
    assert begun().wait() == 0
    return time.monotonic() - began


class Writing:
    """Somebody who submits tasks meanwhile; the ids of those that were accepted."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._accepted: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> list[str]:
        self._thread.start()
        return self._accepted

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _write(self) -> None:
        with self._running.http() as http:
            while not self._ended.wait(0.02):
                body = {"kind": "sleep", "not_before": LATER}
                answer = http.post("/tasks", json=body)
                assert answer.status_code == 201
                self._accepted.append(answer.json()["id"])
