"""Every signal, to everybody who has a part in a run: no cancel is lost, and nobody survives.

Wherever a signal strikes, a run that was being cancelled ends `cancelled` with its evidence, one
that wasn't goes on or is tried again, and no task ever runs twice at a time.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM, Signals
from uuid import uuid4

import pytest
from eventsourcing.popo import POPOApplicationRecorder

from events.log import Log
from events.words import Evidence
from services.embedded_log import memory_log
from services.executor.settings import ExecutorSettings
from services.ledger import Ledger, Listener
from services.voice import Voice
from services.watchdog import Watchdog, WatchdogSettings
from services.world import real_world
from tests.chaos.log_over_socket import LogServer
from tests.chaos.settings import ROOT
from tests.component.guardian.scene import parent
from tests.component.signalled import GOES_ON, GRACE_SECONDS, RELEASED, RETRIED, After, Signalled
from tests.rig import MARKER, PATIENCE_SECONDS, LogHistory, Onlooker, Rig, a_rig, now_us

LEASE_SECONDS = 2.0
SETTINGS = ExecutorSettings(
    modules=("tests.authors.exclusive",),
    module_paths=(ROOT,),
    lease_seconds=LEASE_SECONDS,
    isolated_hosts_ready=0,
    ping_every_seconds=0.2,
    ping_answer_seconds=1.0,
    confirm_seconds=0.5,
)
PRESUMED, KILLED = Evidence.PRESUMED, Evidence.KILLED


def told(parameter: object) -> str:
    return parameter.name if isinstance(parameter, Signals) else str(parameter)


async def strike(pids: Sequence[int], number: Signals) -> None:
    """One signal to all of them; a stop lasts for longer than the lease."""
    for pid in pids:
        os.kill(pid, number)
    if number is SIGSTOP:
        # Nothing else happens here: that so much time goes by is what is tried.
        await asyncio.sleep(LEASE_SECONDS * 1.2)
        for pid in pids:
            try:
                os.kill(pid, SIGCONT)
            except ProcessLookupError:
                continue  # It was killed meanwhile, as it should be.


def host_of(rig: Rig, task_id: str) -> int:
    [handle] = [run.ladder.handle for run in rig.executor.runs.values() if run.task.id == task_id]
    assert handle is not None
    host = handle.check()
    assert host is not None
    assert host.pid is not None
    return host.pid


@pytest.mark.parametrize(
    ("isolation", "number", "after"),
    [
        ("shared", SIGTERM, RELEASED),
        ("shared", SIGINT, GOES_ON),
        ("shared", SIGKILL, RELEASED),
        ("shared", SIGSTOP, RELEASED),
        ("isolated", SIGTERM, RETRIED),
        ("isolated", SIGINT, GOES_ON),
        ("isolated", SIGKILL, RETRIED),
        ("isolated", SIGSTOP, GOES_ON),
    ],
    ids=told,
)
async def test_a_signal_to_a_host(
    tmp_path: Path, isolation: str, number: Signals, after: After
) -> None:
    async with a_rig(tmp_path, SETTINGS) as rig:
        runs = await Signalled.begin(rig, rig.output, tmp_path, isolation=isolation)
        hosts = {host_of(rig, runs.stays), host_of(rig, runs.asked)}
        assert len(hosts) == (1 if isolation == "shared" else 2)
        await runs.ask()
        await strike(list(hosts), number)
        await runs.end(after, KILLED)
    assert rig.survivors() == []


@pytest.mark.parametrize(
    ("number", "after"),
    [(SIGTERM, GOES_ON), (SIGINT, GOES_ON), (SIGKILL, RELEASED), (SIGSTOP, GOES_ON)],
    ids=told,
)
async def test_a_signal_to_the_guardian(tmp_path: Path, number: Signals, after: After) -> None:
    async with a_rig(tmp_path, SETTINGS) as rig:
        both = []
        for isolation in ("shared", "isolated"):
            (tmp_path / isolation).mkdir()
            begun = Signalled.begin(rig, rig.output, tmp_path / isolation, isolation=isolation)
            both.append(await begun)
        guardian = parent(parent(host_of(rig, both[0].stays)))
        for runs in both:
            await runs.ask()
        await strike([guardian], number)
        for runs in both:
            await runs.end(after, KILLED)
    assert rig.survivors() == []


# ── executors: four at once, each hit by another signal ───────────────────────────────────────────

AFTERWARDS = {
    SIGTERM: (RELEASED, KILLED),
    SIGINT: (RELEASED, KILLED),
    SIGKILL: (RETRIED, PRESUMED),
    SIGSTOP: (RETRIED, PRESUMED),
}


async def test_every_signal_to_an_executor(tmp_path: Path) -> None:
    async with a_region(tmp_path) as region:
        hit = {number: region.executor(number.name, [number]) for number in AFTERWARDS}
        begun = [
            (number, await begin(region, number, isolation))
            for number in AFTERWARDS
            for isolation in ("shared", "isolated")
        ]
        heir = region.executor("heir", list(AFTERWARDS))
        for _, runs in begun:
            await runs.ask()

        for number, executor in hit.items():
            executor.send_signal(number)
        for number, runs in begun:
            await runs.end(*AFTERWARDS[number])
        # It has slept through its lease, and through all that became of its runs.
        hit[SIGSTOP].send_signal(SIGCONT)

        hit[SIGSTOP].terminate()
        heir.terminate()
        for number, executor in {**hit, SIGCONT: heir}.items():
            ended = await asyncio.to_thread(executor.wait, PATIENCE_SECONDS)
            assert ended == (-SIGKILL if number is SIGKILL else 0)
    assert region.onlooker.survivors() == []


@dataclass
class Region:
    """Logs, a watchdog, and executors in processes of their own."""

    onlooker: Onlooker
    output: Log
    folder: Path
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def executor(self, name: str, numbers: Sequence[Signals]) -> "subprocess.Popen[bytes]":
        """One that takes the tasks for these signals."""
        home = self.folder / name
        home.mkdir()
        labels = {number.name: "yes" for number in numbers}
        program = [sys.executable, "-m", "tests.chaos.executor_process"]
        about = [self.folder / "logs.sock", home, name, LEASE_SECONDS, json.dumps(labels)]
        process = subprocess.Popen(
            [*program, *map(str, about)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.processes.append(process)
        return process


async def begin(region: Region, number: Signals, isolation: str) -> Signalled:
    """Runs that only the executor for this signal takes, as long as there is no heir."""
    folder = region.folder / f"{number.name}-{isolation}"
    folder.mkdir()
    presumed = AFTERWARDS[number][1] is PRESUMED
    return await Signalled.begin(
        region.onlooker,
        region.output,
        folder,
        # Until its executor is struck nobody kills it, however long the others take to be asked.
        grace_seconds=PATIENCE_SECONDS if presumed else GRACE_SECONDS,
        isolation=isolation,
        requires={number.name: "yes"},
    )


@asynccontextmanager
async def a_region(folder: Path) -> AsyncIterator[Region]:
    marker = uuid4().hex
    os.environ[MARKER] = marker
    logs = {
        name: memory_log(POPOApplicationRecorder(), name, now_us)
        for name in ("history", "output", "heartbeats")
    }
    voice = Voice(logs["history"], real_world(), source="/test/gateway", region="local")
    watchdog = Watchdog(
        heartbeats=logs["heartbeats"],
        voice=voice,
        world=real_world(),
        settings=WatchdogSettings(lease_seconds=LEASE_SECONDS),
        watchdog_id="watchdog-1",
    )
    region = Region(Onlooker(voice, marker), logs["output"], folder)
    listeners: list[Listener] = [voice, watchdog, region.onlooker]
    ledger = Ledger(logs["history"], LogHistory(logs["history"]), listeners)
    server = await LogServer(logs).serve(folder / "logs.sock")
    async with asyncio.TaskGroup() as tasks:
        side = [tasks.create_task(ledger.run()), tasks.create_task(watchdog.run())]
        try:
            yield region
        finally:
            for process in region.processes:
                process.kill()
                process.wait()
            for task in side:
                task.cancel()
    server.close()
    for log in logs.values():
        await log.close()
