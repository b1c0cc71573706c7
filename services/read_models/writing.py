"""Writes batches into one generation: the rows and the checkpoint in one transaction.

The checkpoints are locked and compared first, so that each event counts once and a second projector
is found out before it has changed anything.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select, true

from events.positions import written_frontier
from projections import tables, upserts
from projections.batch import Batch, Rows
from projections.checkpoint import Checkpoint, frontier_of
from services.read_models.database import Database
from services.read_models.errors import OtherProjector, ShareTaken, Superseded
from services.read_models.session import Session
from services.read_models.shares import LOCKED, Share, stand_of_share, take_share
from services.silence import HOLD

SUPERSEDED = "superseded"
"""What is notified when another generation has taken over."""


class Writer:
    """One connection that writes. For one thread at a time."""

    def __init__(self, database: Database, share: Share | None = None) -> None:
        """`share`: of several writers that share the partitions, that of this one; it holds locks
        on those that were free for as long as this connection lasts. Raises `ShareTaken` when none
        was."""
        self.session: Session = database.connect()
        self.partitions: Sequence[int] = ()
        """Those of its share."""
        self._share = share
        flavour, dialect = database.flavour, database.dialect
        self._into = upserts.written_for(dialect, flavour.placeholder)
        self._observed, self._unconfirmed = upserts.observed(dialect, flavour.placeholder)
        self._alike = upserts.changed_alike(dialect, flavour.placeholder)
        self._notify = flavour.notify
        self._supersede = f"UPDATE generation SET successor = {flavour.placeholder}"
        generation, checkpoints = tables.generation, tables.checkpoints
        self._stand = database.compiled(
            select(generation.c.successor, checkpoints).select_from(
                generation.outerjoin(checkpoints, true())
            )
        ).text
        self._stand_locked = self._stand + flavour.for_update
        if share is not None:
            self._stand = stand_of_share(database)
            self._stand_locked = self._stand + LOCKED
            try:
                self.partitions = take_share(self.session, share)
                if not self.partitions:
                    raise ShareTaken(share.partitions)
            except BaseException:
                self.close()
                raise

    def onto(self, database: Database) -> "Writer":
        """A writer of the same partitions in another generation."""
        if self._share is None:
            return Writer(database)
        ours = self.partitions
        writer = Writer(database, self._share._replace(partitions=ours, at_most=len(ours)))
        if writer.partitions != ours:
            writer.close()
            raise ShareTaken({*ours}.difference(writer.partitions))
        return writer

    def hold(self) -> None:
        """Say that this writer is there, although it has nothing to write."""
        self.session.query(HOLD)

    def checkpoints(
        self, *, locked: bool = False, of: Iterable[int] | None = None
    ) -> dict[int, Checkpoint]:
        """Where this generation stands. Raises `Superseded` when it isn't in use any more.

        `locked`: within `writing`, nobody else writes until the end of the transaction; `of`: only
        these partitions of a share.
        """
        stand: dict[int, Checkpoint] = {}
        text = self._stand_locked if locked else self._stand
        ours = self.partitions if of is None else of
        cells = () if self._share is None else ([*ours],)
        for successor, partition, *checkpoint in self.session.query(text, cells):
            if successor is not None:
                raise Superseded(successor)
            if partition is not None:
                stand[partition] = Checkpoint(*checkpoint)
        return stand

    def write(self, batch: Batch, before: Mapping[int, Checkpoint]) -> None:
        """All or nothing of the batch, whose entries go on from these checkpoints."""
        self.write_rows(batch.rows(), before, batch.checkpoints)

    def write_rows(
        self, rows: Rows, before: Mapping[int, Checkpoint], reached: Mapping[int, Checkpoint]
    ) -> None:
        """All or nothing of these rows, which lead from some checkpoints to others."""
        session, into = self.session, self._into
        moved = {
            partition: checkpoint
            for partition, checkpoint in reached.items()
            if checkpoint != before.get(partition)
        }
        expected = before if self._share is None else {each: before[each] for each in moved}
        with session.writing():
            found = self.checkpoints(locked=True, of=moved)
            if found != expected:
                raise OtherProjector(expected, found)
            session.put(into.history, rows.history)
            session.put(into.history_below, rows.history_below)
            session.put(into.changes_below, rows.changes_below)
            for organization, cells, ids in rows.alike:
                session.change(self._alike, (*cells, organization), ids)
            session.put(into.task_status, rows.task_status)
            session.put(into.task_labels, rows.task_labels)
            session.put(into.projects, rows.projects)
            session.put(into.project_changes, rows.project_changes)
            session.put(into.cancellations, rows.cancellations)
            session.run_each(self._observed, rows.observed)
            session.run_each(self._unconfirmed, rows.unconfirmed)
            session.put(into.roots, rows.roots)
            session.put(into.checkpoints, [(each, *moved[each]) for each in moved])
            if self._notify:
                session.query(self._notify, (written_frontier(frontier_of(moved)),))

    def supersede(self, successor: int) -> None:
        """From the end of this transaction on the successor is in use."""
        self.session.run(self._supersede, (successor,))
        if self._notify:
            self.session.query(self._notify, (SUPERSEDED,))

    def close(self) -> None:
        self.session.close()
