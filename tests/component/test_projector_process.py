"""The process that writes a service's read models: killed, superseded, in trouble, left alone."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count as numbers
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import uvloop

from events.log import Log, Message, Record
from events.positions import Position
from projections.batch import folded
from services.embedded import why_unready
from services.embedded_log import open_log
from services.ledger import Ledger
from services.projecting import beside, lives, words
from services.projecting.beside import ProjectorBeside
from services.projecting.lives import Life, ProjectorStopped, forked, holder
from services.projecting.process import SAYS_EVERY_SECONDS, live, the_only_one
from services.read_models.errors import CheckpointMismatch
from services.read_models.generations import FOLDER, Generations
from services.read_models.models import ReadModels
from services.read_models.writing import Writer
from services.read_side import open_models
from services.rebuild.rebuild import rebuild
from tests.component.test_rebuild import Watching
from tests.read_side import PATIENCE_SECONDS, ListedLog, digests_of, projected
from tests.recorded import judged, records


class Service(NamedTuple):
    """The half of an embedded service that has the log and the read models."""

    log: Log
    models: ReadModels
    projector: ProjectorBeside
    ledger: Ledger
    projecting: asyncio.Task[None]

    async def take_in(self, told: Sequence[Record]) -> None:
        await self.append(told)
        assert await self.models.reached(await self.log.end(), PATIENCE_SECONDS)

    async def append(self, told: Sequence[Record]) -> None:
        await self.log.append([Message("key", record.value) for record in told])

    async def process(self) -> psutil.Process:
        """The one that writes, as soon as it writes."""
        assert await self.models.reached(await self.log.end(), PATIENCE_SECONDS)
        assert self.projector.pid is not None
        return psutil.Process(self.projector.pid)


@asynccontextmanager
async def a_service(data: Path, begun: Life | None = None) -> AsyncIterator[Service]:
    log = await open_log(data / "history.sqlite", "history", lambda: time.time_ns() // 1000)
    projector, models = await open_models(data, log, begun)
    ledger = Ledger(log, models, [projector])
    projecting = asyncio.create_task(projector.run())
    following = asyncio.create_task(ledger.run())
    try:
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            yield Service(log, models, projector, ledger, projecting)
    finally:
        for task in (following, projecting):
            task.cancel()
        await asyncio.gather(following, projecting, return_exceptions=True)
        await projector.close()
        await models.close()
        await log.close()


async def test_it_ends_with_its_service_and_a_later_one_goes_on(tmp_path: Path) -> None:
    told = records(40, 120)
    async with a_service(tmp_path) as service:
        await service.take_in(told[:40])
        process = await service.process()
        # Signals to the whole group are the service's business.
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        await service.take_in(told[40:70])
        assert (await service.process()).pid == process.pid
    assert not process.is_running()
    async with a_service(tmp_path) as service:
        await service.take_in(told[70:])
        assert service.models.frontier() == {0: 120}
    await projected(tmp_path / "once", ListedLog(told))
    assert digests_of(tmp_path) == digests_of(tmp_path / "once")


async def test_one_that_is_killed_is_started_again_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "AGAIN_SECONDS", 0.01)
    told = records(41, 100)
    async with a_service(tmp_path) as service:
        await service.take_in(told[:50])
        process = await service.process()
        await service.append(told[50:75])
        process.kill()
        await service.take_in(told[75:])
        assert service.projector.trouble is None
        assert why_unready(service.ledger, service.projector) is None
        standing = service.projector.standing()
        assert standing.restarts == 1
        assert standing.memory_bytes > 5_000_000
    await projected(tmp_path / "once", ListedLog(told))
    assert digests_of(tmp_path) == digests_of(tmp_path / "once")


async def test_one_that_ends_again_and_again_is_given_up_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends_at_once(_: Path) -> Life:
        ours, theirs = socket.socketpair()
        with theirs:
            return Life(ours, subprocess.Popen(["/bin/false"], stdin=theirs.fileno()))

    monkeypatch.setattr(beside, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(lives, "started", ends_at_once)
    async with a_service(tmp_path) as service:
        with pytest.raises(ProjectorStopped, match="5 times soon after its start"):
            await service.projecting
        with pytest.raises(ProjectorStopped):
            await service.projector.room()
        assert why_unready(service.ledger, service.projector) is not None


def test_the_first_one_is_forked_and_a_later_one_started(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from tests.component.test_projector_process import forks; forks(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    subprocess.run(command, check=True, timeout=PATIENCE_SECONDS)
    assert digests_of(tmp_path)


def forks(data: Path) -> None:
    """In a process without threads."""
    never_used = forked(data, live)
    never_used.end(PATIENCE_SECONDS)
    never_used.end(PATIENCE_SECONDS)
    assert never_used.process.returncode == 0
    asyncio.run(goes_on(data, forked(data, live)))


async def goes_on(data: Path, begun: Life) -> None:
    told = records(50, 60)
    async with a_service(data, begun) as service:
        await service.take_in(told[:30])
        assert service.projector.pid == begun.process.pid
        begun.process.kill()
        await service.take_in(told[30:])
        assert service.projector.pid != begun.process.pid
    assert begun.process.returncode == -signal.SIGKILL


async def test_its_trouble_ends_the_service_with_its_own_words(tmp_path: Path) -> None:
    told = records(42, 60)
    async with a_service(tmp_path) as service:
        await service.take_in(told[:20])
        intruder = Writer(Generations(tmp_path / FOLDER).in_use())
        before = intruder.checkpoints()
        intruder.write(folded(before, judged(told)[20:30]), before)
        intruder.close()
        await service.append(told[20:])
        with pytest.raises(ProjectorStopped, match="another process has written the read models"):
            await service.projecting


async def test_read_models_of_another_log_stop_the_start(tmp_path: Path) -> None:
    await projected(tmp_path, ListedLog(records(43, 30)))
    log = ListedLog(records(44, 30))
    with pytest.raises(CheckpointMismatch, match="another record"):
        await open_models(tmp_path, log)


async def test_both_go_over_to_a_generation_that_took_over(tmp_path: Path) -> None:
    told = records(45, 200)
    generations = Generations(tmp_path / FOLDER)
    async with a_service(tmp_path) as service:
        await service.take_in(told[:150])
        await rebuild(generations, service.log, Watching())
        await service.take_in(told[150:170])
        # The service reads, and removes what was superseded, once its projector told it.
        while generations.numbers() != [2]:
            await service.models.moved(service.models.frontier(), 0.01)
        await service.take_in(told[170:])
        page = await service.models.of("acme").tasks(limit=1000)
    await projected(tmp_path / "once", ListedLog(told))
    assert digests_of(tmp_path) == digests_of(tmp_path / "once")
    models = ReadModels(generations.in_use())
    assert await models.of("acme").tasks(limit=1000) == page
    await models.close()


async def test_the_ledger_waits_for_one_that_is_far_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "ENTRIES_LIMIT", 20)
    told = records(47, 30)
    log = await open_log(tmp_path / "history.sqlite", "history", lambda: 1)
    await log.append([Message("key", record.value) for record in told])
    projector, models = await open_models(tmp_path, log)
    projector.entered(judged(told))
    room = asyncio.create_task(projector.room())
    await asyncio.sleep(0)
    assert not room.done()
    projecting = asyncio.create_task(projector.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await room
    projecting.cancel()
    await asyncio.gather(projecting, return_exceptions=True)
    await models.close()
    await log.close()


async def test_one_whose_service_was_killed_ends_and_the_next_one_goes_on(tmp_path: Path) -> None:
    told = records(48, 40)
    log = await open_log(tmp_path / "history.sqlite", "history", lambda: 1)
    await log.append([Message("key", record.value) for record in told[:20]])
    await log.close()
    Generations(tmp_path / FOLDER).in_use()
    left = lives.started(tmp_path)
    reader, writer = await asyncio.open_connection(sock=left.ours)
    writer.write(words.said(**{words.GOAL: 20}))
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert words.heard(await reader.readline()) == {words.GENERATION: 1}
        while words.heard(await reader.readline()) != {words.REACHED: 20}:
            """It also says from where it begins."""
    writer.close()  # As the kernel does for whoever is killed.
    async with a_service(tmp_path) as service:
        await service.take_in(told[20:])
    assert await asyncio.to_thread(left.process.wait, PATIENCE_SECONDS) == 0


async def test_the_second_of_two_waits_for_the_first(tmp_path: Path) -> None:
    second = asyncio.Event()

    async def waits() -> None:
        async with the_only_one(tmp_path):
            second.set()

    async with the_only_one(tmp_path):
        waiting = asyncio.create_task(waits())
        await asyncio.sleep(0)
        assert not second.is_set()
        assert f"Process {os.getpid()} was the last" in holder(tmp_path)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await waiting


async def test_a_start_that_waits_for_another_one_in_vain_says_for_whom(tmp_path: Path) -> None:
    log = await open_log(tmp_path / "history.sqlite", "history", lambda: 1)
    projector, models = await open_models(tmp_path, log)
    with pytest.raises(ProjectorStopped, match=r"Process unknown .* kill it, and start again"):
        await projector.begun(0.01)
    await models.close()
    await log.close()


async def test_one_that_stands_still_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(beside, "SILENT_SECONDS", SAYS_EVERY_SECONDS + 2)
    told = records(51, 40)
    async with a_service(tmp_path) as service:
        await service.take_in(told[:20])
        process = await service.process()
        process.suspend()
        await service.take_in(told[20:])
        assert not process.is_running()


async def test_one_that_stands_still_is_not_waited_for_by_a_service_that_gave_it_up(
    tmp_path: Path,
) -> None:
    async with a_service(tmp_path) as service:
        await service.take_in(records(50, 10))
        process = await service.process()
        process.suspend()
        service.projector.give_up()
        began = time.monotonic()
        service.projecting.cancel()
        await asyncio.gather(service.projecting, return_exceptions=True)
        assert time.monotonic() - began < beside.END_SECONDS / 2
        assert not process.is_running()


def test_a_kill_is_survived_at_whatever_moment_it_is_noticed(tmp_path: Path) -> None:
    """On the service's own event loop: it closes a transport before whoever reads hears of it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(is_told_all_the_time(tmp_path))


async def is_told_all_the_time(data: Path) -> None:
    told = records(52, 10)
    entry = judged(told)[-1]
    async with a_service(data) as service:
        await service.take_in(told)
        process = await service.process()
        waiting = asyncio.create_task(service.models.reached({0: 1_000_000}, PATIENCE_SECONDS))
        process.kill()
        for offset in numbers(len(told)):
            position = Position(0, offset)
            service.projector.entered([entry._replace(record=Record(position, b"", 1))])
            await asyncio.sleep(0)
            if service.projector.pid != process.pid:
                break
        assert not service.projecting.done()
        waiting.cancel()


def test_nothing_of_a_killed_service_is_left(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; "
        "from tests.component.test_projector_process import says_its_pid; "
        "asyncio.run(says_its_pid(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        process = psutil.Process(int(service.stdout.readline()))
        assert process.is_running()
        service.kill()
    process.wait(PATIENCE_SECONDS)


async def says_its_pid(data: Path) -> None:
    async with a_service(data) as service:
        await service.take_in(records(49, 10))
        print((await service.process()).pid, flush=True)
        await asyncio.Event().wait()
