"""kill -9 in the middle of an export and of a backup: the file goes on to the same bytes as if
nothing had happened; a backup is whole or has no name."""

import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.backup import read_manifest, restore
from tests.e2e.commands import Command, begin, run
from tests.e2e.running import Running
from tests.proof_size import count

EVENTS = 3000
ENVIRONMENT = {"COUNTERMAND_LOG_LEVEL": "warning"}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("full"), environment=ENVIRONMENT)
    running.start()
    with running.http() as http:
        for start in range(0, EVENTS, 1000):
            tasks = [
                {"id": f"t-{start + n}", "kind": "sleep", "not_before": "2099-01-01T00:00:00Z"}
                for n in range(1000)
            ]
            assert http.post("/tasks", json={"tasks": tasks}).status_code == 201
    yield running
    assert running.stop() == 0


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_an_export_goes_on_to_the_same_bytes(full: Running, folder: Path) -> None:
    chance = random.Random(11)
    with full.http() as http:
        whole = http.get("/export").content
    file, out = folder / "history.jsonl", folder / "out"

    def exporting() -> Command:
        environment = {"COUNTERMAND_URL": full.url, "COUNTERMAND_KEY": full.key}
        return begin(["export", str(file)], out, folder / "err", environment)

    seconds = lasted(exporting)
    caught_half_way = 0
    rounds = count(small=3, full=50)
    for _ in range(rounds):
        file.unlink()
        killed(exporting(), chance.uniform(0.3, 1.0) * seconds)
        caught_half_way += file.exists() and 0 < file.stat().st_size < len(whole)
        assert exporting().wait() == 0, (folder / "err").read_text()
        assert file.read_bytes() == whole
    assert caught_half_way or rounds < 20, "no kill came before the end"


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_an_export_goes_on_after_the_service_was_killed(full: Running, folder: Path) -> None:
    chance = random.Random(12)
    file = folder / "history.jsonl"
    for _ in range(count(small=1, full=5)):
        with full.http() as http:
            whole = http.get("/export").content
            enough = chance.uniform(0, 0.9) * len(whole)
            with http.stream("GET", "/export") as answer, file.open("wb") as part:
                for chunk in answer.iter_raw(chunk_size=20_000):
                    part.write(chunk)
                    if part.tell() > enough:
                        full.kill()
                        break
        full.start()
        environment = {"COUNTERMAND_URL": full.url, "COUNTERMAND_KEY": full.key}
        arguments = ["export", str(file)]
        assert run(arguments, environment).returncode == 0
        assert file.read_bytes() == whole


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_a_backup_is_whole_or_has_no_name(full: Running, folder: Path) -> None:
    chance = random.Random(13)
    target, data = folder / "backup", folder / "data"

    def backing_up() -> Command:
        arguments = ["backup", str(target), "--data", str(full.data)]
        return begin(arguments, folder / "out", folder / "err")

    seconds = lasted(backing_up)
    unfinished = 0
    with Writing(full) as accepted:
        for _ in range(count(small=3, full=50)):
            shutil.rmtree(target)
            killed(backing_up(), chance.uniform(0.05, 0.7) * seconds)
            if target.exists():
                read_manifest(target)
                shutil.rmtree(target)
            else:
                unfinished += 1
            before = len(accepted)
            assert backing_up().wait() == 0, (folder / "err").read_text()
            assert restore(target, data, lambda *_: None).events >= EVENTS + before
            shutil.rmtree(data)
    assert unfinished, "no kill came before the end"


def lasted(begun: Callable[[], Command]) -> float:
    began = time.monotonic()
    assert begun().wait() == 0
    return time.monotonic() - began


def killed(command: Command, after_seconds: float) -> None:
    time.sleep(after_seconds)
    command.kill()


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
                body = {"kind": "sleep", "not_before": "2099-01-01T00:00:00Z"}
                answer = http.post("/tasks", json=body)
                assert answer.status_code == 201
                self._accepted.append(answer.json()["id"])
