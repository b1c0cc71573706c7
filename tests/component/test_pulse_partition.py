"""A partition of the pulse that begins without rows, while a stop lives."""

import asyncio
from pathlib import Path

from eventsourcing.popo import POPOApplicationRecorder

from events.cancel_events import CancelOverran
from events.event import decode, encode
from events.log import Record
from events.positions import Position
from projections.moments import us
from services.embedded_log import memory_log
from services.pulse.settings import PulseSettings
from services.pulse_worker.partition import Partition
from services.voice import Voice
from services.world import real_world
from tests.builders import a_task
from tests.read_side import PATIENCE_SECONDS, ListedLog, a_read_side


async def test_a_recalled_stop_is_measured_by_the_budget_of_its_handler(tmp_path: Path) -> None:
    asked = a_task(kind="k").started().cancel_requested(grace_seconds=3600)
    log = ListedLog(
        [
            Record(Position(0, offset), encode(event), us(event.time))
            for offset, event in enumerate(asked.events)
        ]
    )
    budgets: dict[str, float] = {}
    world = real_world()
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        a_read_side(tmp_path, log) as (side, _),
        asyncio.TaskGroup() as tasks,
    ):
        assert await side.models.reached(await log.end(), PATIENCE_SECONDS)
        said = memory_log(POPOApplicationRecorder(), "history", lambda: us(world.now()))
        voice = Voice(said, world, source="/pulse", region="local")
        partition = Partition(
            0, 1, {}, log, side.models, voice, world, PulseSettings(), "pulse",
            lambda: budgets, lambda: True,
        )  # fmt: skip
        running = tasks.create_task(partition.run())
        while not partition.begun:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.01)
        partition.look_at_budgets()
        [row] = partition.tables.stopping.values()
        assert row["budget_us"] is None
        budgets = {"k": 0.5}
        partition.look_at_budgets()
        record = (await anext(said.follow({})))[0]
        running.cancel()
    body = decode(record.value).data
    assert isinstance(body, CancelOverran)
    assert (str(body.run_id), body.stop_within_seconds) == (row["run_id"], 0.5)
