"""A rebuild in a process of its own, beside a service that goes on, and killed at any moment."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from io import BufferedReader
from pathlib import Path
from random import Random
from typing import NamedTuple

import psutil
import pytest

from events.log import Log, Message
from events.positions import after
from services.embedded_log import open_log
from services.embedded_log.offline import Stamped, fill
from services.ledger import Ledger
from services.read_models.generations import FOLDER, Generations
from services.read_models.models import ReadModels
from services.read_side import open_models
from services.rebuild.builder import JUDGES, SHARED_FROM_RECORDS
from services.rebuild.judges import MODULE
from tests.proof_size import count
from tests.read_side import digests_of
from tests.recorded import records

PATIENCE_SECONDS = 100.0
REPOSITORY = Path(__file__).parents[2]


class Service(NamedTuple):
    """The half of an embedded service that has the log and the read models."""

    log: Log
    models: ReadModels

    async def take_in(self, values: Sequence[bytes]) -> None:
        positions = await self.log.append([Message("key", value) for value in values])
        assert await self.models.reached(after({}, positions), PATIENCE_SECONDS)


@asynccontextmanager
async def a_service(data: Path) -> AsyncIterator[Service]:
    log = await open_log(data / "history.sqlite", "history", lambda: time.time_ns() // 1000)
    projector, models = await open_models(data, log)
    ledger = Ledger(log, models, [projector])
    tasks = [asyncio.create_task(projector.run()), asyncio.create_task(ledger.run())]
    try:
        yield Service(log, models)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await projector.close()
        await models.close()
        await log.close()


def a_rebuild(data: Path, out: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """`out`: where it says what it does; a pipe must be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "services.rebuild", str(data)],
        cwd=REPOSITORY,
        stdout=out,
        stderr=out,
        start_new_session=True,
        env=os.environ | {"FORCE_COLOR": "1"},  # as on a terminal, it shows each step as it begins
    )


@contextmanager
def held(process: subprocess.Popen[bytes]) -> Iterator[None]:
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def until_it_reads(process: subprocess.Popen[bytes]) -> bytes:
    """What it has shown until then."""
    assert isinstance(process.stderr, BufferedReader)
    shown = b""
    while b"reading the log" not in shown:
        more = process.stderr.read1()
        assert more, shown.decode()
        shown += more
    return shown


async def test_a_service_goes_on_beside_a_rebuild_and_then_in_what_it_made(tmp_path: Path) -> None:
    values = [record.value for record in records(30, 3000)]
    generations = Generations(tmp_path / FOLDER)
    async with asyncio.timeout(PATIENCE_SECONDS), a_service(tmp_path) as service:
        await service.take_in(values[:1000])
        with a_rebuild(tmp_path, subprocess.PIPE) as process:
            shown = await asyncio.to_thread(until_it_reads, process)
            with held(process):  # what is written now, it has to catch up with
                assert generations.numbers() == [1, 2]
                assert generations.live() == 1
                for start in range(1000, 1500, 20):
                    await service.take_in(values[start : start + 20])
            done = asyncio.create_task(asyncio.to_thread(process.communicate))
            for start in range(1500, 2000, 20):
                await service.take_in(values[start : start + 20])
            said, rest = await done
            shown += rest
        assert process.returncode == 0, shown.decode()
        assert b"generation 2 is in use" in said
        assert b"the same as before" in said
        assert b"comparing" in shown
        assert generations.live() == 2
        await service.take_in(values[2000:])
        assert generations.numbers() == [2]
        now = await service.models.of("acme").tasks(limit=1000)
    live = digests_of(tmp_path)
    with a_rebuild(tmp_path) as process:
        assert process.wait(PATIENCE_SECONDS) == 0
    assert digests_of(tmp_path) == live
    async with a_service(tmp_path) as service:
        assert await service.models.of("acme").tasks(limit=1000) == now


@pytest.fixture(scope="module")
def a_long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of which no read models were made yet."""
    data = tmp_path_factory.mktemp("long")
    told = [Stamped(record.value, record.appended_at_us) for record in records(32, 4_000)]
    # Repeats are void: what they say doesn't matter here, only that there are many.
    fill(data / "history.sqlite", "history", told * (2 * SHARED_FROM_RECORDS // len(told)))
    return data


@pytest.mark.prove
async def test_killed_at_any_moment_it_leaves_what_is_in_use_as_it_was(tmp_path: Path) -> None:
    async with a_service(tmp_path) as service:
        await service.take_in([record.value for record in records(31, 1500)])
    kill_at_any_moment(tmp_path, rounds=count(small=2, full=40))


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_killed_while_others_judge_for_it_it_leaves_what_is_in_use_as_it_was(
    a_long_log: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(a_long_log, data)
    with a_rebuild(data) as process:
        assert process.wait(PATIENCE_SECONDS) == 0
    kill_at_any_moment(data, rounds=count(small=1, full=10))


def kill_at_any_moment(data: Path, rounds: int) -> None:
    random = Random(31)
    generations = Generations(data / FOLDER)
    before = digests_of(data)
    began = time.monotonic()
    with a_rebuild(data) as process:
        process.wait(PATIENCE_SECONDS)
    usual_seconds = time.monotonic() - began
    for _ in range(rounds):
        in_use = generations.live()
        with a_rebuild(data) as process:
            try:
                process.wait(random.uniform(0, 1.2 * usual_seconds))
            except subprocess.TimeoutExpired:
                process.kill()
        assert generations.live() in (in_use, in_use + 1)
        assert digests_of(data) == before
    with a_rebuild(data) as process:
        assert process.wait(PATIENCE_SECONDS) == 0
    assert digests_of(data) == before
    assert len(generations.numbers()) <= 2


def judging(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Its judges, as soon as there are some."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        below = psutil.Process(process.pid).children()
        judges = [each for each in below if MODULE in each.cmdline()]
        if len(judges) == JUDGES:
            return judges
    raise TimeoutError


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_judges_end_with_the_rebuild_however_it_ends(a_long_log: Path, end: signal.Signals) -> None:
    with a_rebuild(a_long_log, subprocess.PIPE) as process:
        until_it_reads(process)
        judges = judging(process)
        if end is signal.SIGINT:
            os.killpg(process.pid, end)  # as a terminal does
        else:
            process.send_signal(end)
        _, shown = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode != 0
        assert MODULE.rpartition(".")[2] + ".py" not in shown.decode(), "judges know no interrupt"
    _, left = psutil.wait_procs(judges, timeout=PATIENCE_SECONDS)
    assert not left
    assert Generations(a_long_log / FOLDER).live() == 1
