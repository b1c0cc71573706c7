"""Says on the log that a stop took longer than its budget, at the moment when it does.

What it says is derived from the run, and the fold checks it: said late, twice or by several, it
counts once, and only where it is true.
"""

import asyncio
import heapq
import math
from collections.abc import Iterable, Mapping
from uuid import UUID

from events.body import Actor
from events.cancel_events import CancelOverran
from events.event import Event
from events.ids import derived_id
from projections.moments import us
from projections.pulse.stopping import Stopping, over_budget_at_us
from services.voice import Voice
from services.world import World

SAID_AT_ONCE = 500
"""Events in one append."""
LONGEST_SLEEP_SECONDS = 3600.0
"""Wall clocks are set: a budget that ends far away is looked at again after a while."""


class Overruns:
    """The budgets of live stops, the one that ends first at the top."""

    def __init__(
        self, rows: Mapping[str, Stopping], voice: Voice, world: World, pulse_id: str
    ) -> None:
        self._rows = rows
        self._voice = voice
        self._world = world
        self._id = pulse_id
        self._due: list[tuple[int, str]] = []
        self._late: list[Stopping] = []
        """Stopped by now, and later than they might have."""
        self._news = asyncio.Event()

    def watch(self, key: str, row: Stopping) -> None:
        due_us = over_budget_at_us(row)
        if due_us is not None:
            heapq.heappush(self._due, (due_us, key))
            self._news.set()

    def was_late(self, row: Stopping) -> None:
        self._late.append(row)
        self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._news.clear()
            late, self._late = self._late, []
            await self._say([*late, *self._over()])
            wait = math.inf
            if self._due:
                wait = (self._due[0][0] - us(self._world.now())) / 1_000_000
            await self._woken(min(max(wait, 0.0), LONGEST_SLEEP_SECONDS))

    def _over(self) -> list[Stopping]:
        now_us = us(self._world.now())
        over: dict[str, Stopping] = {}
        while self._due and self._due[0][0] < now_us:
            due_us, key = heapq.heappop(self._due)
            row = self._rows.get(key)
            # A tightened cancel, or a run after that one, has an entry of its own.
            if row is not None and over_budget_at_us(row) == due_us:
                over[key] = row
        return list(over.values())

    async def _say(self, rows: Iterable[Stopping]) -> None:
        events = [self._event(row) for row in rows]
        for start in range(0, len(events), SAID_AT_ONCE):
            await self._voice.say(*events[start : start + SAID_AT_ONCE])

    def _event(self, row: Stopping) -> Event:
        seconds = (row["budget_us"] or 0) / 1_000_000
        body = CancelOverran(
            actor=Actor(kind="pulse", id=self._id, organization=row["organization"]),
            reason=f"not stopped within {seconds:g} s",
            run_id=UUID(row["run_id"]),
            cancel_id=UUID(row["cancel_id"]),
            stop_within_seconds=seconds,
        )
        return self._voice.event(
            body,
            subject=row["task_id"],
            organization=row["organization"],
            id=derived_id(row["run_id"], "overran"),
            causation_id=UUID(row["cancel_id"]),
        )

    async def _woken(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
