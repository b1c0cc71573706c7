"""Delivers to one endpoint: queues what the history says, and sends it until it is accepted.

In the order of each root: what comes later about a root waits until the one before is accepted or
given up. Roots don't wait for each other. Whatever is true is in the control store before it is
acted on; what is kept here is a copy.
"""

import asyncio
import heapq
import math
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa
import structlog

from events.positions import Frontier, Position, after, reaches, read_frontier
from events.words import Verdict
from projections.moments import us
from services.control_store import ControlStore, webhook_deliveries, webhooks
from services.control_store.webhook_deliveries import DEAD, PENDING, Delivery
from services.control_store.webhooks import Endpoint
from services.read_models.errors import ReadModelsUnavailable
from services.read_models.models import ReadModels
from services.read_models.questions import HistoryFilter
from services.read_models.rows import HistoryLine
from services.webhooks.sending import Attempt, Sender, payload
from services.webhooks.settings import WebhookSettings
from services.world import World

LINES_AT_ONCE = 200
LONGEST_WAIT_SECONDS = 60.0
"""Whatever could have been missed is looked for so often."""
AGAIN_AFTER_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Depot(NamedTuple):
    """What all couriers share."""

    store: ControlStore
    reads: ReadModels
    sender: Sender
    settings: WebhookSettings
    world: World

    def now_us(self) -> int:
        return us(self.world.now())


class Courier:
    """`run` it until its endpoint is removed."""

    def __init__(self, endpoint: Endpoint, depot: Depot) -> None:
        self.endpoint = endpoint
        self.dead = 0
        self._depot = depot
        self._news = asyncio.Event()
        """There may be something in the history, or put back into the queue."""
        self._reload_due = True
        self._settled: set[Position] | None = None
        """What was over while the queue was being read: it isn't to be sent again."""
        self._wanted: dict[int, int] = {}
        """How far the read models have to come before there is anything new in them."""
        self._roots: dict[str, deque[Delivery]] = {}
        self._due: list[tuple[int, str]] = []
        """Of each root whose first delivery isn't under way, when that may be tried."""
        self._queued: set[Position] = set()
        self._under_way = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def pending(self) -> int:
        return len(self._queued)

    @property
    def failing(self) -> bool:
        """Whether something waits that was tried already."""
        return any(waiting[0].attempts for waiting in self._roots.values())

    def wants(self, type_tag: str) -> bool:
        return self.endpoint.types is None or type_tag in self.endpoint.types

    def heard(self, position: Position) -> None:
        """Something for it is in the log; soon the read models will have it."""
        self.catch_up(after({}, [position]))

    def catch_up(self, frontier: Frontier) -> None:
        """Whatever came before, nobody told this courier of."""
        self._wanted.update(frontier)
        self._news.set()

    def look_again(self) -> None:
        """Somebody may have put dead deliveries back."""
        self._reload_due = True
        self._news.set()

    async def run(self) -> None:
        """Until cancelled. When a store is away, it begins anew a little later."""
        while True:
            self._forget()
            try:
                await self._live()
            except* (ReadModelsUnavailable, sa.exc.OperationalError) as group:
                log.warning(
                    "webhooks wait for a store",
                    endpoint=self.endpoint.id,
                    why=str(group.exceptions[0])[:300],
                )
            await asyncio.sleep(AGAIN_AFTER_SECONDS)

    def _forget(self) -> None:
        self._roots, self._due, self._queued, self._under_way = {}, [], set(), 0
        self._reload_due = True

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._feed())
            tasks.create_task(self._deliver(tasks))

    # ── from the history into the queue ───────────────────────────────────────────────────────────

    async def _feed(self) -> None:
        store, id = self._depot.store, self.endpoint.id
        start: Frontier = await store.ask(partial(webhooks.position, id=id))
        while True:
            if self._reload_due:
                self._reload_due = False
                await self._reload()
            shown = self._depot.reads.frontier()
            start = await self._queue_from(start)
            start = {p: max(o, start.get(p, 0)) for p, o in {**start, **shown}.items()}
            await self._until_news()

    async def _reload(self) -> None:
        """What the store has queued and isn't known here: at the start, and put back by hand."""
        store, id = self._depot.store, self.endpoint.id
        self._settled = set()
        for delivery in await store.ask(partial(webhook_deliveries.pending, endpoint_id=id)):
            if delivery.position not in self._queued and delivery.position not in self._settled:
                self._take_in(delivery)
        self._settled = None
        self.dead = await store.ask(partial(webhook_deliveries.dead_count, endpoint_id=id))

    async def _queue_from(self, start: Frontier) -> Frontier:
        """Everything that the read models have, from there on; how far that went."""
        view = self._depot.reads.of(self.endpoint.organization)
        where = HistoryFilter(types=self.endpoint.types)
        while True:
            await self._until_room()
            page = await view.history(where, start=start, limit=LINES_AT_ONCE)
            if page.next_cursor is None:
                return start
            start = read_frontier(page.next_cursor)
            lines = [line for line in page.rows if line.verdict is not Verdict.VOID]
            deliveries = [new_delivery(self.endpoint, line, self._depot.now_us()) for line in lines]
            put = partial(
                webhook_deliveries.queue,
                endpoint_id=self.endpoint.id,
                deliveries=deliveries,
                frontier=dict(start),
            )
            await self._depot.store.ask(put)
            for delivery in deliveries:
                self._take_in(delivery)

    async def _until_room(self) -> None:
        while len(self._queued) >= self._depot.settings.queued_per_endpoint:
            self._room.clear()
            await self._room.wait()

    async def _until_news(self) -> None:
        """The ledger is ahead of the read models: what it told of may not be there yet."""
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._news.wait()
                self._news.clear()  # Here alone: what is heard before the first look counts, too.
                reads = self._depot.reads
                while not reaches(reads.frontier(), self._wanted):
                    await reads.moved(reads.frontier(), LONGEST_WAIT_SECONDS)
        except TimeoutError:
            return

    # ── from the queue to the receiver ────────────────────────────────────────────────────────────

    def _take_in(self, delivery: Delivery) -> None:
        self._queued.add(delivery.position)
        waiting = self._roots.get(delivery.root)
        if waiting is None:
            self._roots[delivery.root] = deque([delivery])
            self._may_try(delivery)
        else:
            waiting.append(delivery)

    def _may_try(self, delivery: Delivery) -> None:
        heapq.heappush(self._due, (delivery.due_us, delivery.root))
        self._changed.set()

    async def _deliver(self, tasks: asyncio.TaskGroup) -> None:
        limit = self._depot.settings.concurrent_per_endpoint
        while True:
            self._changed.clear()
            now_us = self._depot.now_us()
            while self._due and self._due[0][0] <= now_us and self._under_way < limit:
                _, root = heapq.heappop(self._due)
                self._under_way += 1
                tasks.create_task(self._try(self._roots[root][0]))
            wait = math.inf
            if self._due and self._under_way < limit:
                wait = (self._due[0][0] - now_us) / 1_000_000
            await self._woken(wait)

    async def _woken(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, LONGEST_WAIT_SECONDS)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _try(self, delivery: Delivery) -> None:
        """One attempt, and what follows from it; in the store first."""
        async with self._counted():
            attempt = await self._send(delivery)
            outcome = self._after(delivery, attempt)
            if outcome is None:
                await self._depot.store.ask(partial(webhook_deliveries.accepted, delivery=delivery))
            else:
                keep = self._depot.settings.dead_per_endpoint
                await self._depot.store.ask(
                    partial(webhook_deliveries.failed, delivery=outcome, dead_limit=keep)
                )
            self._settle(delivery, outcome)

    @asynccontextmanager
    async def _counted(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._under_way -= 1
            self._changed.set()

    async def _send(self, delivery: Delivery) -> Attempt:
        depot = self._depot
        line = await depot.reads.of(self.endpoint.organization).line_at(delivery.position)
        secrets = await depot.store.ask(partial(webhooks.secrets_of, id=self.endpoint.id))
        if line is None or secrets is None:
            return Attempt(False, None, "the read models are being made anew")
        now = depot.world.now()
        return await depot.sender.send(
            self.endpoint.url, delivery.event_id, payload(line), secrets.good_at(us(now)), now
        )

    def _after(self, delivery: Delivery, attempt: Attempt) -> Delivery | None:
        """The delivery as it stands then; None: it was accepted."""
        if attempt.delivered:
            return None
        pauses = self._depot.settings.retry_after_seconds
        dies = delivery.attempts >= len(pauses)
        pause_seconds = 0.0 if dies else pauses[delivery.attempts]
        return delivery._replace(
            state=DEAD if dies else PENDING,
            attempts=delivery.attempts + 1,
            due_us=self._depot.now_us() + int(pause_seconds * 1_000_000),
            last_status=attempt.status,
            last_error=attempt.why,
        )

    def _settle(self, delivery: Delivery, outcome: Delivery | None) -> None:
        waiting = self._roots[delivery.root]
        if outcome is not None and outcome.state == PENDING:
            waiting[0] = outcome
            self._may_try(outcome)
            return
        if outcome is not None:
            self.dead += 1
            log.warning(
                "a webhook delivery was given up",
                endpoint=self.endpoint.id,
                event_id=delivery.event_id,
                why=outcome.last_error,
            )
        waiting.popleft()
        self._queued.discard(delivery.position)
        if self._settled is not None:
            self._settled.add(delivery.position)
        self._room.set()
        if waiting:
            self._may_try(waiting[0])
        else:
            del self._roots[delivery.root]


def new_delivery(endpoint: Endpoint, line: HistoryLine, now_us: int) -> Delivery:
    event = line.event
    assert event is not None, "a line of an organization has an event"
    return Delivery(
        endpoint_id=endpoint.id,
        partition=line.position.partition,
        offset=line.position.offset,
        event_id=str(event.id),
        type=event.type,
        root=event.root,
        state=PENDING,
        attempts=0,
        due_us=now_us,
        last_status=None,
        last_error="",
    )
