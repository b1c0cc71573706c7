"""How much one executor holds at a time, in memory and in processor time, with real processes."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from events.cancel_events import CancelRequested
from events.task_events import TaskSubmitted
from events.vocabulary import HistoryBody
from events.words import Evidence, Status
from services.embedded_log import open_log
from services.ledger import Ledger
from services.voice import Voice
from services.world import real_world
from tests.chaos.fleet import Fleet
from tests.chaos.log_over_socket import LogServer
from tests.proof_size import count
from tests.rig import MARKER, ORGANIZATION, LogHistory, Onlooker, now_us
from tests.tallies import Tally

BATCH = 500
IDLE_SECONDS = 5.0


class Crowd(Onlooker):
    """An onlooker that speaks of many tasks at once."""

    async def say_of_each(self, body: HistoryBody, task_ids: Sequence[str]) -> None:
        for start in range(0, len(task_ids), BATCH):
            await self.voice.say(
                *(
                    self.voice.event(body, subject=task_id, organization=ORGANIZATION)
                    for task_id in task_ids[start : start + BATCH]
                )
            )

    async def until_all(self, task_ids: Sequence[str], status: Status) -> None:
        """Returns once all of them have come to this status."""
        missing, heard = set(task_ids), 0
        async with asyncio.timeout(300):
            while missing:
                for entry in self.entries[heard:]:
                    missing -= {task.id for task in entry.outcome.tasks if task.status is status}
                heard = len(self.entries)
                if missing:
                    self.news.clear()
                    await self.news.wait()


@asynccontextmanager
async def one_executor(folder: Path) -> AsyncIterator[Crowd]:
    """One executor process, and everything around it in this one."""
    marker = uuid4().hex
    os.environ[MARKER] = marker
    names = ("history", "output", "heartbeats")
    logs = {name: await open_log(folder / f"{name}.db", name, now_us) for name in names}
    voice = Voice(logs["history"], real_world(), source="/test/gateway", region="local")
    crowd = Crowd(voice, marker)
    ledger = Ledger(logs["history"], LogHistory(logs["history"]), [voice, crowd])
    server = await LogServer(logs).serve(folder / "logs.sock")
    fleet = Fleet(folder / "logs.sock", folder, 1, 60.0, random.Random(0))
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(ledger.run())
        fleet.fill()
        yield crowd
        await asyncio.to_thread(fleet.end)
        following.cancel()
    server.close()
    for log in logs.values():
        await log.close()
    assert crowd.survivors() == []


@pytest.mark.prove
@pytest.mark.timeout(600)
async def test_ten_thousand_concurrent_runs_stay_under_their_memory_limit(
    tmp_path: Path, tally: Tally
) -> None:
    runs = count(small=1_000, full=10_000)
    async with one_executor(tmp_path) as crowd:
        task_ids = [f"t-{number}" for number in range(runs)]
        body = TaskSubmitted(actor=crowd.user, kind="sleep", payload={"seconds": 3600})
        await crowd.say_of_each(body, task_ids)
        await crowd.until_all(task_ids, Status.RUNNING)
        megabytes = sum(each.memory_info().rss for each in crowd.survivors()) / 1e6
        await crowd.say_of_each(CancelRequested(actor=crowd.user), task_ids)
        await crowd.until_all(task_ids, Status.CANCELLED)
        evidence = {task.evidence for task in map(crowd.task, task_ids) if task is not None}
    tally(f"{runs:,} concurrent runs: {megabytes:,.0f} MB in executor, guardian and hosts")
    assert megabytes < 1_500
    assert evidence <= {Evidence.ACKNOWLEDGED, Evidence.NEVER_STARTED}


@pytest.mark.prove
@pytest.mark.timeout(600)
async def test_pending_tasks_cost_no_processor_time_while_nothing_happens(
    tmp_path: Path, tally: Tally
) -> None:
    pending = count(small=3_000, full=100_000)
    async with one_executor(tmp_path) as crowd:
        first = await crowd.submit("sleep", {"seconds": 0})
        await crowd.until_status(first, Status.SUCCEEDED)
        task_ids = [f"t-{number}" for number in range(pending)]
        later = real_world().now() + timedelta(days=1)
        body = TaskSubmitted(actor=crowd.user, kind="sleep", not_before=later)
        await crowd.say_of_each(body, task_ids)
        # Once it has run what came last, it has taken in all that came before.
        last = await crowd.submit("sleep", {"seconds": 0})
        async with asyncio.timeout(300):
            await crowd.until_all([last], Status.SUCCEEDED)
        before = processor_seconds(crowd)
        # What is measured is time in which nothing happens.
        await asyncio.sleep(IDLE_SECONDS)
        share = (processor_seconds(crowd) - before) / IDLE_SECONDS
    tally(f"{pending:,} pending tasks: {share:.1%} of a processor")
    assert share < 0.02


def processor_seconds(crowd: Crowd) -> float:
    total = 0.0
    for process in crowd.survivors():
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
