"""What the ledger asks: which roots are alive, and what happened in them so far.

Operator-level: of every organization.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

from sqlalchemy import String, bindparam, literal_column, select

from events.event import Event, decode
from events.positions import Frontier
from projections import tables
from projections.place import Place, cut, position
from services.ledger import Snapshot
from services.read_models.database import Database
from services.read_models.past import PastQuestions
from services.read_models.reader import Asked
from services.read_models.session import Compiled, Session

EVENTS_AT_ONCE = 100
"""About a millisecond's worth."""
KEYS_AT_ONCE = (1, 8, 64)


class LiveQuestions:
    """Compiled once."""

    def __init__(self, database: Database, past: PastQuestions) -> None:
        self._past = past
        history, roots = tables.history, tables.roots
        self._live = database.compiled(
            select(roots.c.log_key, roots.c.first).where(roots.c.live == literal_column("1"))
        )
        self._known = {size: known(database, size) for size in KEYS_AT_ONCE}
        self._events = database.compiled(
            select(history.c.place, history.c.value)
            .where(
                history.c.organization == bindparam("organization"),
                history.c.root == bindparam("root"),
                history.c.place >= bindparam("start"),
                history.c.place < bindparam("end"),
            )
            .order_by(history.c.place)
            .limit(EVENTS_AT_ONCE)
        )

    def snapshot(self, session: Session, partitions: Collection[int] | None = None) -> Snapshot:
        """Of some partitions, or of all."""
        with session.reading():
            return self.seen(session, partitions)

    def seen(self, session: Session, partitions: Collection[int] | None = None) -> Snapshot:
        """The same within what the caller reads."""
        frontier = self._past.frontier(session)
        live = session.rows(self._live)
        if partitions is None:
            return Snapshot(frontier, [key for key, _ in live])
        here = [key for key, first in live if position(first).partition in partitions]
        return Snapshot({each: frontier.get(each, 0) for each in partitions}, here)

    def known(self, session: Session, keys: Sequence[str]) -> dict[str, Place]:
        """Where those of these roots begin that have any event."""
        first: dict[str, Place] = {}
        largest = KEYS_AT_ONCE[-1]
        for start in range(0, len(keys), largest):
            some = [*keys[start : start + largest]]
            size = next(size for size in KEYS_AT_ONCE if size >= len(some))
            # One question, whatever it costs to ask for one of them more than once.
            some.extend(some[-1:] * (size - len(some)))
            first.update(session.query(self._known[size].text, some))
        return first

    def events(
        self, session: Session, key: str, start: Place, end: Place
    ) -> tuple[list[Event], Place]:
        """Some events of a root from a place on, and where the others begin; no others: the end."""
        values, behind = self.values(session, key, start, end)
        return [decode(value) for value in values], behind

    def values(
        self, session: Session, key: str, start: Place, end: Place
    ) -> tuple[list[bytes], Place]:
        """The same, as they were written."""
        organization, _, root = key.partition("/")
        rows = session.rows(
            self._events, organization=organization, root=root, start=start, end=end
        )
        behind = rows[-1][0] + 1 if len(rows) == EVENTS_AT_ONCE else end
        return [value for _, value in rows], behind


async def events_of(
    reader: Asked, live: LiveQuestions, keys: Collection[str], before: Frontier
) -> AsyncIterator[tuple[str, Sequence[Event]]]:
    """In parts, with a turn for others between them."""
    wanted = list(keys)
    first = await reader.ask(lambda session: live.known(session, wanted))
    for key, start in first.items():
        end = cut(before, position(start).partition)
        place = start
        while place < end:
            begin = place
            events, place = await reader.ask(
                lambda session: live.events(session, key, begin, end)  # noqa: B023
            )
            yield key, events
            await asyncio.sleep(0)


def known(database: Database, keys: int) -> Compiled:
    roots = tables.roots
    names = [bindparam(f"key_{number}", type_=String) for number in range(keys)]
    return database.compiled(
        select(roots.c.log_key, roots.c.first).where(roots.c.log_key.in_(names))
    )
