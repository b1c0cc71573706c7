"""The projectors of several processes, who share the partitions of one log.

Each process judges and writes the partitions that it has a lock on, one after another on their own:
as many as its fair share of them is. Who ends, however, gives its locks back, and the others take
what is free at their next look. Owns who feeds what; what is written is the projector's business.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence

import structlog

from events.errors import LogUnavailable
from events.event import Event
from events.log import Record
from events.positions import Frontier
from services.kafka_log.lag import Lag
from services.kafka_log.log import KafkaLog
from services.ledger import Ledger, Snapshot, Stopped
from services.projector import Projector
from services.read_models import shares
from services.read_models.database import Database
from services.read_models.errors import (
    OtherProjector,
    ReadModelsUnavailable,
    ShareTaken,
    Superseded,
)
from services.read_models.models import ReadModels
from services.read_models.schemas import Schemas
from services.read_models.session import Session
from services.read_models.shares import Share
from services.read_models.writing import Writer
from services.read_side import check
from services.silence import HOLDS_PER_LIMIT

LOOK_EVERY_SECONDS = 1.0
"""A lock that was given back tells nobody."""
RECORDS_AT_ONCE = 1_000
"""More than where cancels wait for the ledger: many rows in one transaction cost less each."""
TRANSIENT = (LogUnavailable, OtherProjector, ReadModelsUnavailable, ShareTaken, Superseded)
"""What ends a share, and may be gone when it is taken up again."""

log = structlog.get_logger(__name__)


class SharedProjector:
    """One object a process."""

    def __init__(
        self,
        history: KafkaLog,
        schemas: Schemas,
        models: ReadModels,
        partitions: int,
        lag: Lag,
        silence_limit_seconds: float,
    ) -> None:
        """`silence_limit_seconds`: a process that says nothing for so long, e.g. as it was stopped,
        loses its partitions to the others."""
        self.shares: dict[int, asyncio.Task[None]] = {}
        """The partitions that this process feeds."""
        self._history = history
        self._schemas = schemas
        self._models = models
        self._partitions = partitions
        self._lag = lag
        self._silence_limit_seconds = silence_limit_seconds
        self._presence: Session | None = None
        self._ledgers: dict[int, Ledger] = {}

    @property
    def stopped(self) -> dict[int, Stopped]:
        """The partitions of this process that go no further, and why."""
        return {
            partition: why
            for ledger in self._ledgers.values()
            for partition, why in ledger.stopped.items()
        }

    async def run(self) -> None:
        """Until cancelled. What is being written is written to its end."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    try:
                        await self._take_what_is_ours(tasks)
                    except ReadModelsUnavailable as error:
                        log.warning("can't look for partitions to feed", why=str(error))
                        await asyncio.to_thread(self._be_gone)
                    there = self._models.frontier()
                    await self._lag.tell({each: there.get(each, 0) for each in self.shares})
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        finally:
            self._be_gone()

    async def _take_what_is_ours(self, tasks: asyncio.TaskGroup) -> None:
        """As many as a fair share is, now that there are so many projectors."""
        fair = math.ceil(self._partitions / await asyncio.to_thread(self._count))
        for partition in list(self.shares)[fair:]:
            if not self.shares[partition].cancelling():
                self.shares[partition].cancel()
        if len(self.shares) >= fair:
            return
        database = await asyncio.to_thread(self._schemas.in_use)
        for partition in range(self._partitions):
            if len(self.shares) >= fair:
                return
            if partition not in self.shares:
                await self._take(partition, database, tasks)

    async def _take(self, partition: int, database: Database, tasks: asyncio.TaskGroup) -> None:
        try:
            ours = Share(partition, self._silence_limit_seconds)
            writer = await asyncio.to_thread(Writer, database, ours)
        except ShareTaken:
            return
        share = tasks.create_task(self._feed(partition, writer), name=f"partition {partition}")
        self.shares[partition] = share
        share.add_done_callback(lambda _: self.shares.pop(partition))

    async def _feed(self, partition: int, writer: Writer) -> None:
        projector = None
        try:
            await check(self._history, await asyncio.to_thread(writer.checkpoints))
            projector = Projector(
                self._schemas,
                self._models,
                writer,
                linger_seconds=0,
                hold_every_seconds=self._silence_limit_seconds / HOLDS_PER_LIMIT,
            )
            ledger = Ledger(
                PartitionOfLog(self._history, partition),
                PartitionOfHistory(self._models, partition),
                [projector],
                batch_records=RECORDS_AT_ONCE,
            )
            self._ledgers[partition] = ledger
            log.info("feeds a partition", partition=partition)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(projector.run())
                tasks.create_task(ledger.run())
        except* TRANSIENT as errors:
            log.warning("gives a partition up", partition=partition, why=errors.exceptions)
        finally:
            self._ledgers.pop(partition, None)
            (projector or writer).close()

    def _count(self) -> int:
        """How many projectors there are, this one among them."""
        if self._presence is None:
            self._presence = self._schemas.database(self._schemas.live()).connect()
            shares.be_seen(self._presence, self._silence_limit_seconds)
        return max(1, shares.projectors(self._presence))

    def _be_gone(self) -> None:
        if self._presence is not None:
            self._presence.close()
            self._presence = None


class PartitionOfLog:
    """`services.ledger.Followed`: one partition."""

    def __init__(self, log: KafkaLog, partition: int) -> None:
        self._log = log
        self._partition = partition

    def follow(self, start: Frontier, limit: int = 1000) -> AsyncGenerator[Sequence[Record], None]:
        return self._log.follow(start, limit, [self._partition])


class PartitionOfHistory:
    """`services.ledger.History`: what is known of one partition."""

    def __init__(self, models: ReadModels, partition: int) -> None:
        self._models = models
        self._partition = partition

    def frontier(self) -> Frontier:
        return {self._partition: self._models.frontier().get(self._partition, 0)}

    async def snapshot(self) -> Snapshot:
        return await self._models.snapshot_of(self._partition)

    def events_of(
        self, keys: Collection[str], before: Frontier
    ) -> AsyncIterator[tuple[str, Sequence[Event]]]:
        return self._models.events_of(keys, before)
