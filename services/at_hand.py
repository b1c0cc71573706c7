"""Tasks as this process has judged them: what is asked for right after it changed needn't wait for
the rows (docs/decisions/0085).

A listener of the ledger, behind `Verdicts`. It keeps the little that the rows show and the fold
leaves out, of tasks that it has heard of from their submission on; of all others it says nothing,
and whoever asks reads the rows.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from events.cancel_events import CancelObserved, CancelUnconfirmed
from events.ids import log_key, root_of
from events.positions import Frontier, Position, covers
from events.state import Root, TaskState
from events.words import Verdict
from projections.entry import Entry
from services.read_models.rows import CancelInForce, Task
from services.verdicts import Verdicts

TASKS_KEPT = 100_000
"""The least lately submitted is let go first: the rows have long had it."""

Key: TypeAlias = tuple[str, str]
"""Organization and id."""


class Noted(NamedTuple):
    """What the rows show of a task, and its state doesn't."""

    position: Position
    """Of the last event about it that wasn't void, or from above that changed it."""
    observed_at: datetime | None = None
    unconfirmed_at: datetime | None = None


class AtHand:
    """One object a process."""

    def __init__(self, verdicts: Verdicts, tasks_kept: int = TASKS_KEPT) -> None:
        self._verdicts = verdicts
        self._tasks_kept = tasks_kept
        self._noted: OrderedDict[Key, Noted] = OrderedDict()

    def task(self, organization: str, task_id: str, told: Frontier) -> Task | None:
        """The task as all have been told that it is, or later; None: ask the rows."""
        noted = self._noted.get((organization, task_id))
        state = self._verdicts.task(organization, task_id)
        if noted is None or state is None:
            return None
        latest = self._verdicts.latest(log_key(organization, root_of(task_id)))
        judged = self._verdicts.frontier
        if latest is not None and not covers(judged, latest):
            return None
        if any(offset > judged.get(partition, 0) for partition, offset in told.items()):
            return None
        return as_row(organization, state, noted)

    # ------------------------------------------------------------------ what the ledger tells

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        """Nothing: who began before this process is in the rows."""

    def entered(self, entries: Sequence[Entry]) -> None:
        noted = self._noted
        for entry in entries:
            event, outcome = entry.event, entry.outcome
            if event is None or outcome.verdict is Verdict.VOID:
                continue
            position, organization = entry.record.position, event.organization
            for task in outcome.tasks:
                known = noted.get((organization, task.id))
                if known is not None:
                    noted[organization, task.id] = Noted(position, known[1], known[2])
                elif event.id == task.submission_id:
                    noted[organization, task.id] = Noted(position)
            if outcome.verdict is Verdict.NOTED:
                self._note(entry, (organization, event.subject), event.time)
        while len(noted) > self._tasks_kept:
            noted.popitem(last=False)

    async def room(self) -> None:
        """Always: what is kept is bounded."""

    def _note(self, entry: Entry, key: Key, at: datetime) -> None:
        known = self._noted.get(key)
        if known is None or entry.event is None:
            return
        _, observed_at, unconfirmed_at = known
        match entry.event.data:
            case CancelObserved():
                observed_at = observed_at or at
            case CancelUnconfirmed():
                unconfirmed_at = at
            case _:
                pass
        self._noted[key] = Noted(entry.record.position, observed_at, unconfirmed_at)


def as_row(organization: str, task: TaskState, noted: Noted) -> Task:
    """The task as the rows will show it."""
    cancel = task.cancel
    return Task(
        organization=organization,
        id=task.id,
        root=root_of(task.id),
        spec=task.spec,
        submission_id=task.submission_id,
        created_by=task.spec.actor,
        created_at=task.created_at,
        status=task.status,
        evidence=task.evidence,
        attempt=task.attempt,
        failures=task.failures,
        not_before=task.not_before,
        waiting_for=task.waiting_for,
        answered=task.answered,
        run_id=task.run.id if task.run else None,
        executor=task.run.executor if task.run else None,
        started_at=task.started_at,
        finished_at=task.finished_at,
        result=task.result,
        error=task.error,
        error_type=task.error_type,
        contradicted=task.contradicted,
        cancel=None
        if cancel is None
        else CancelInForce(
            id=cancel.id,
            subject=cancel.subject,
            mode=cancel.mode,
            grace_seconds=cancel.grace_seconds,
            origin=cancel.origin,
            actor=cancel.actor,
            reason=cancel.reason,
            requested_at=cancel.requested_at,
            observed_at=noted.observed_at,
            unconfirmed_at=noted.unconfirmed_at,
            stopped_at=task.finished_at,
        ),
        position=noted.position,
    )
