"""Points of the past, as frontiers."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select

from events.positions import Frontier, Position
from projections import tables
from projections.checkpoint import Checkpoint
from projections.moments import us
from projections.place import OFFSET_BITS, Place, cut, place, position
from services.read_models.database import Database
from services.read_models.questions import AsOf
from services.read_models.session import Session

LAST_OFFSET = (1 << OFFSET_BITS) - 1


class Point(NamedTuple):
    """A point of the past: what is before it is included."""

    frontier: Frontier
    now_elsewhere: bool = False
    """Whether partitions that aren't named are included as they are, or not at all."""

    def end(self, partition: int) -> Place:
        """The first place of this partition that is not included, or the last one there can be."""
        offset = self.frontier.get(partition, LAST_OFFSET if self.now_elsewhere else 0)
        return place(Position(partition, max(0, min(offset, LAST_OFFSET))))


class PastQuestions:
    """What these read models know of when things were appended."""

    def __init__(self, database: Database) -> None:
        history, checkpoints = tables.history, tables.checkpoints
        self._frontier = database.compiled(
            select(checkpoints.c.partition, checkpoints.c.next_offset)
        )
        self._checkpoints = database.compiled(select(checkpoints))
        self._first_from = database.compiled(
            select(history.c.place, history.c.latest_us)
            .where(history.c.place >= bindparam("place"), history.c.place < bindparam("end"))
            .order_by(history.c.place)
            .limit(1)
        )

    def frontier(self, session: Session) -> dict[int, int]:
        """How far these read models have come."""
        return dict(session.rows(self._frontier))

    def checkpoints(self, session: Session) -> dict[int, Checkpoint]:
        """The same, with what was read last."""
        return {row[0]: Checkpoint(*row[1:]) for row in session.rows(self._checkpoints)}

    def point(self, session: Session, as_of: AsOf) -> Point:
        match as_of:
            case Position(partition, offset):
                return Point({partition: offset + 1}, now_elsewhere=True)
            case datetime():
                return Point(self.at(session, as_of))
            case _:
                return Point(as_of)

    def at(self, session: Session, moment: datetime) -> Frontier:
        """Of each partition the longest prefix whose append times are not later."""
        until = us(moment)
        return {
            partition: position(self._first_later(session, until, partition, offset)).offset
            for partition, offset in self.frontier(session).items()
        }

    def _first_later(self, session: Session, until_us: int, partition: int, end: int) -> Place:
        """The latest append time so far never goes backwards, so it can be searched in halves."""
        low, high = cut({}, partition), cut({partition: end}, partition)
        last = high
        while low < high:
            middle = (low + high) // 2
            row = session.first(self._first_from, place=middle, end=last)
            if row is None or row[1] > until_us:
                high = middle
            else:
                low = row[0] + 1
        return low
