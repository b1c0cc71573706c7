"""All couriers of this process: one for each endpoint that there is."""

import asyncio
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
import structlog

from events.positions import Frontier
from events.state import Root
from events.words import Verdict
from projections.entry import Entry
from services.control_store import webhooks
from services.webhooks.courier import Courier, Depot

LOOK_EVERY_SECONDS = 30.0
"""Other processes may add endpoints, too."""

log = structlog.get_logger(__name__)


class Webhooks:
    """A listener of the ledger; `run` it beside."""

    def __init__(self, depot: Depot) -> None:
        self._depot = depot
        self._couriers: dict[str, tuple[Courier, asyncio.Task[None]]] = {}
        self._by_organization: dict[str, list[Courier]] = {}
        self._judged: dict[int, int] = {}
        self._changed = asyncio.Event()

    # What the ledger tells

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        """Each courier knows how far it has come."""
        self._judged = dict(frontier)

    def entered(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            partition, offset = entry.record.position
            self._judged[partition] = offset + 1
            if not self._by_organization:
                continue
            event = entry.event
            if event is None or entry.outcome.verdict is Verdict.VOID:
                continue
            for courier in self._by_organization.get(event.organization, ()):
                if courier.wants(event.type):
                    courier.heard(entry.record.position)

    async def room(self) -> None:
        """Always: what is to be delivered waits in the history."""

    # Its life

    def changed(self) -> None:
        """Endpoints were added, changed or removed, or deliveries put back."""
        self._changed.set()

    def deliveries(self) -> Mapping[str, int]:
        """How many there are in which state."""
        couriers = [courier for courier, _ in self._couriers.values()]
        return {
            "pending": sum(each.pending for each in couriers),
            "dead": sum(each.dead for each in couriers),
        }

    def failing(self) -> int:
        """How many endpoints haven't accepted what they were sent, and are tried again."""
        return sum(courier.failing for courier, _ in self._couriers.values())

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._changed.clear()
                    try:
                        await self._look(tasks)
                    except sa.exc.OperationalError as error:
                        log.warning("endpoints of webhooks can't be read", why=str(error.orig))
                    await self._woken()
        finally:
            await self._depot.sender.close()

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        """Have a courier for each endpoint, and none for others."""
        endpoints = {each.id: each for each in await self._depot.store.ask(webhooks.listed)}
        for id in set(self._couriers) - set(endpoints):
            self._couriers.pop(id)[1].cancel()
        new: list[Courier] = []
        for id, endpoint in endpoints.items():
            if id in self._couriers:
                self._couriers[id][0].endpoint = endpoint
                self._couriers[id][0].look_again()
            else:
                courier = Courier(endpoint, self._depot)
                self._couriers[id] = (courier, tasks.create_task(courier.run()))
                new.append(courier)
        self._by_organization = {}
        for courier, _ in self._couriers.values():
            self._by_organization.setdefault(courier.endpoint.organization, []).append(courier)
        for courier in new:
            # What was judged until now it wasn't told of, and the read models may not have yet.
            courier.catch_up(self._judged)

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            return
