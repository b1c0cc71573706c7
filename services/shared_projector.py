"""The projectors of several processes, who share the partitions of one log.

Each process judges and writes the partitions that it has locks on, as many as its fair share of
them is, all together: one reader, one transaction. Who ends, however, gives its locks back, and the
others take what is free at their next look. Owns who feeds what; what is written is the projector's
business.
"""

import asyncio
import math
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import suppress

import structlog

from events.errors import LogUnavailable
from events.event import Event
from events.log import Record
from events.positions import Frontier
from services.kafka_log.lag import Lag
from services.kafka_log.log import KafkaLog, Linger
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
LINGER_SECONDS = 0.1
"""Between two looks at the log while nobody waits for the rows."""
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
        self.partitions: Sequence[int] = ()
        """Those that this process feeds."""
        self._history = history
        self._schemas = schemas
        self._models = models
        self._partitions = partitions
        self._lag = lag
        self._silence_limit_seconds = silence_limit_seconds
        self._presence: Session | None = None
        self._awaited = asyncio.Event()
        """Somebody waits for rows, or did a moment ago."""
        self._feeding: asyncio.Task[None] | None = None
        self._ledger: Ledger | None = None

    @property
    def stopped(self) -> Mapping[int, Stopped]:
        """The partitions of this process that go no further, and why."""
        return {} if self._ledger is None else self._ledger.stopped

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
                    await self._lag.tell({each: there.get(each, 0) for each in self.partitions})
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        finally:
            self._be_gone()

    async def _take_what_is_ours(self, tasks: asyncio.TaskGroup) -> None:
        """As many as a fair share is, now that there are so many projectors."""
        fair = math.ceil(self._partitions / await asyncio.to_thread(self._count))
        if len(self.partitions) == fair:
            return
        database = await asyncio.to_thread(self._schemas.in_use)
        wanted = self.partitions[:fair]
        if len(wanted) < fair:
            held = await asyncio.to_thread(self._held, database)
            free = [each for each in range(self._partitions) if each not in held]
            if not free:
                return
            wanted = [*wanted, *free]
        await self._take(Share(wanted, fair, self._silence_limit_seconds), database, tasks)

    async def _take(self, share: Share, database: Database, tasks: asyncio.TaskGroup) -> None:
        """Give back what is held, and begin anew with this, or with what of it is free by then."""
        if self._feeding is not None:
            self._feeding.cancel()
            await asyncio.wait({self._feeding})
        try:
            writer = await asyncio.to_thread(Writer, database, share)
        except ShareTaken:
            return
        self.partitions = writer.partitions
        self._feeding = tasks.create_task(self._feed(writer), name="partitions")
        self._feeding.add_done_callback(self._fed)

    def _fed(self, _: object) -> None:
        self.partitions, self._feeding, self._ledger = (), None, None

    async def _feed(self, writer: Writer) -> None:
        projector, partitions = None, writer.partitions
        try:
            await check(self._history, await asyncio.to_thread(writer.checkpoints))
            projector = Projector(
                self._schemas,
                self._models,
                writer,
                linger_seconds=0,  # What comes here has lingered, to be judged together, too.
                hold_every_seconds=self._silence_limit_seconds / HOLDS_PER_LIMIT,
            )
            self._ledger = ledger = Ledger(
                PartOfLog(self._history, partitions, self._linger),
                PartOfHistory(self._models, partitions),
                [projector],
                batch_records=RECORDS_AT_ONCE,
            )
            self._models.hurry_with(self._awaited.set)
            log.info("feeds partitions", partitions=[*partitions])
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(projector.run())
                tasks.create_task(ledger.run())
        except* TRANSIENT as errors:
            log.warning("gives its partitions up", partitions=[*partitions], why=errors.exceptions)
        finally:
            (projector or writer).close()

    async def _linger(self) -> None:
        """What stops a run, in other processes, is not to share the processors with rows that
        nobody reads yet; and what comes meanwhile costs less together."""
        if not self._models.awaited:
            self._awaited.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_SECONDS):
                    await self._awaited.wait()

    def _count(self) -> int:
        """How many projectors there are, this one among them."""
        return max(1, shares.projectors(self._present()))

    def _held(self, database: Database) -> Collection[int]:
        assert database.schema is not None
        return shares.held(self._present(), database.schema)

    def _present(self) -> Session:
        if self._presence is None:
            self._presence = self._schemas.database(self._schemas.live()).connect()
            shares.be_seen(self._presence, self._silence_limit_seconds)
        return self._presence

    def _be_gone(self) -> None:
        if self._presence is not None:
            self._presence.close()
            self._presence = None


class PartOfLog:
    """`services.ledger.Followed`: some partitions, a little later where little comes."""

    def __init__(self, log: KafkaLog, partitions: Collection[int], linger: Linger) -> None:
        self._log = log
        self._partitions = partitions
        self._linger = linger

    def follow(self, start: Frontier, limit: int = 1000) -> AsyncGenerator[Sequence[Record], None]:
        return self._log.follow(start, limit, self._partitions, self._linger)


class PartOfHistory:
    """`services.ledger.History`: what is known of some partitions."""

    def __init__(self, models: ReadModels, partitions: Collection[int]) -> None:
        self._models = models
        self._partitions = partitions

    def frontier(self) -> Frontier:
        there = self._models.frontier()
        return {each: there.get(each, 0) for each in self._partitions}

    async def snapshot(self) -> Snapshot:
        return await self._models.snapshot_of(self._partitions)

    def events_of(
        self, keys: Collection[str], before: Frontier
    ) -> AsyncIterator[tuple[str, Sequence[Event]]]:
        return self._models.events_of(keys, before)
