"""The door to the read models: how far they have come, whose rows may be asked for, and what the
ledger needs of the history.

Reads see one committed state each. What is written here, only the projector writes.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence

from events.event import Event
from events.positions import Frontier, written_frontier
from projections.checkpoint import Checkpoint
from services.ledger import Snapshot
from services.read_models.arrivals import Arrivals
from services.read_models.asking import compiled_for
from services.read_models.database import Database
from services.read_models.every_line import AnyLine
from services.read_models.live import events_of
from services.read_models.organization import OrganizationView
from services.read_models.patience import Patient
from services.read_models.reader import Asked, Reader
from services.read_models.recent_stops import Lately
from services.read_models.rows import MalformedRecord, Page
from services.read_models.session import Session

WANTED = "_wanted"
"""Behind the name of a generation's channel: where it is said how far they are waited for."""
SAY_WANTED = f"SELECT pg_notify(current_schema() || '{WANTED}', %s)"


class ReadModels:
    """The generation in use. One object a process; for one event loop."""

    def __init__(self, database: Database) -> None:
        self._reader = Reader(database)
        self._ledgers: Asked = self._reader
        if not database.flavour.reads_inline:
            self._ledgers = Patient(self._reader)
        self._questions = compiled_for(database)
        self._arrivals = Arrivals({})

    async def open(self) -> None:
        """Learn how far they have come."""
        self.learn(await self._reader.ask(self._questions.past.frontier))

    async def close(self) -> None:
        await self._reader.close()

    def of(self, organization: str) -> OrganizationView:
        """Everything that may be asked about one organization."""
        return OrganizationView(organization, self._reader, self._questions)

    # ------------------------------------------------------------------------------ how far

    def frontier(self) -> Frontier:
        """How far the read models are known to have come."""
        return self._arrivals.frontier()

    async def reached(self, frontier: Frontier, timeout_seconds: float) -> bool:
        """Whether the read models cover this frontier, at the latest when the timeout is over.

        Woken by whoever learns that they have moved on; it doesn't poll. For one append:
        `await models.reached(after({}, positions), 5)`.
        """
        return await self._arrivals.reached(frontier, timeout_seconds)

    @property
    def awaited(self) -> bool:
        """Somebody waits for more than they cover."""
        return self._arrivals.awaited

    def hurry_with(self, hurry: Callable[[], None]) -> None:
        """Call this when somebody begins to wait."""
        self._arrivals.hurry = hurry

    def wanted(self) -> Frontier:
        """How far those who wait here want them to come; empty when nobody waits."""
        return self._arrivals.wanted()

    def want(self, frontier: Frontier) -> None:
        """Somebody waits for so much in another process."""
        self._arrivals.want(frontier)

    async def say_wanted(self, frontier: Frontier) -> None:
        """Tell the process that writes them that so much is waited for here."""
        said = written_frontier(frontier)
        await self._reader.ask(lambda session: session.query(SAY_WANTED, (said,)))

    async def moved(self, beyond: Frontier, timeout_seconds: float) -> Frontier:
        """The frontier as soon as any partition has gone beyond this one, or after the timeout."""
        return await self._arrivals.moved(beyond, timeout_seconds)

    def learn(self, frontier: Frontier) -> None:
        """The read models have come so far, says who wrote them or was notified of it."""
        self._arrivals.learn(frontier)

    def use(self, database: Database) -> None:
        """From the next question on, another generation that has come as far."""
        self._reader.use(database)

    async def checkpoints(self) -> dict[int, Checkpoint]:
        """What stands for it that they are of a log. Operator-level."""
        return await self._reader.ask(self._questions.past.checkpoints)

    # --------------------------------------------------------------------- the ledger's history

    async def snapshot(self) -> Snapshot:
        """Where the read models are, and which roots are alive there. Operator-level."""
        return await self._ledgers.ask(self._questions.live.snapshot)

    async def snapshot_of(self, partitions: Collection[int]) -> Snapshot:
        """The same of some partitions."""
        live = self._questions.live
        return await self._ledgers.ask(lambda session: live.snapshot(session, partitions))

    async def snapshot_and_lately(
        self, partition: int, since_us: int, limit: int
    ) -> tuple[Snapshot, Lately]:
        """Of one partition, with what had stopped by then in all of them: both of one moment."""
        live, stops = self._questions.live, self._questions.recent_stops

        def both(session: Session) -> tuple[Snapshot, Lately]:
            with session.reading():
                seen = live.seen(session, {partition})
                return seen, stops.lately(session, since_us, limit, {partition})

        return await self._ledgers.ask(both)

    def events_of(
        self, keys: Collection[str], before: Frontier
    ) -> AsyncIterator[tuple[str, Sequence[Event]]]:
        """The events of these roots before a frontier, in parts. Operator-level."""
        return events_of(self._ledgers, self._questions.live, keys, before)

    # -------------------------------------------------------------------------- operator-level

    async def lately(self, since_us: int, limit: int) -> Lately:
        """Of all organizations."""
        stops = self._questions.recent_stops

        def of_one_moment(session: Session) -> Lately:
            with session.reading():
                return stops.lately(session, since_us, limit)

        return await self._reader.ask(of_one_moment)

    async def lines(self, start: Frontier, end: Frontier, limit: int) -> Sequence[AnyLine]:
        """Lines of all organizations between two frontiers, up to so many, one partition after
        the other."""
        every = self._questions.every_line
        return await self._reader.ask(lambda session: every.between(session, start, end, limit))

    async def malformed_records(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> Page[MalformedRecord]:
        """Records that are no events, oldest first."""
        malformed = self._questions.malformed
        return await self._reader.ask(lambda session: malformed.page(session, cursor, limit))
