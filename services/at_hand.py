"""Tasks as this process has judged them: what is asked for right after it changed needn't wait for
the rows (docs/decisions/0085).

A listener of the ledger, behind `Verdicts`. It keeps the little that the rows show and the fold
leaves out, of tasks that it has heard of from their submission on; of all others it says nothing,
and whoever asks reads the rows.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from events.cancel_events import CancelObserved, CancelUnconfirmed
from events.event import Event
from events.ids import log_key, root_of
from events.positions import Frontier, Position, covers
from events.state import Root, TaskState
from events.words import Verdict
from projections.entry import Entry
from services.read_models.rows import CancelInForce, Task
from services.verdicts import Verdicts

TASKS_KEPT = 20_000
"""With their roots; the root that was begun first is let go first: the rows have long had it."""


@dataclass(slots=True)
class Noted:
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
        self._roots: OrderedDict[str, dict[str, Noted]] = OrderedDict()
        """By log key and task id."""
        self._count = 0

    def task(self, organization: str, task_id: str, told: Frontier) -> Task | None:
        """The task as all have been told that it is, or later; None: ask the rows."""
        key = log_key(organization, root_of(task_id))
        noted = self._roots.get(key, {}).get(task_id)
        state = self._verdicts.task(organization, task_id)
        if noted is None or state is None:
            return None
        latest, judged = self._verdicts.latest(key), self._verdicts.frontier
        if latest is not None and not covers(judged, latest):
            return None
        if any(offset > judged.get(partition, 0) for partition, offset in told.items()):
            return None
        return as_row(organization, state, noted)

    # ------------------------------------------------------------------ what the ledger tells

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        """Nothing: who began before this process is in the rows."""

    def entered(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            event, outcome = entry.event, entry.outcome
            if event is None or outcome.verdict is Verdict.VOID:
                continue
            position, root = entry.record.position, self._roots.get(entry.key)
            for task in outcome.tasks:
                noted = None if root is None else root.get(task.id)
                if noted is not None:
                    noted.position = position
                elif event.id == task.submission_id:
                    root = self._begin(entry.key, task.id, Noted(position))
            if outcome.verdict is Verdict.NOTED and root is not None:
                note(root.get(event.subject), event, position)

    async def room(self) -> None:
        """Always: what is kept is bounded."""

    def _begin(self, key: str, task_id: str, noted: Noted) -> dict[str, Noted]:
        root = self._roots.setdefault(key, {})
        root[task_id] = noted
        self._count += 1
        while self._count > self._tasks_kept and len(self._roots) > 1:
            _, oldest = self._roots.popitem(last=False)
            self._count -= len(oldest)
        return root


def note(noted: Noted | None, event: Event, position: Position) -> None:
    if noted is None:
        return
    noted.position = position
    match event.data:
        case CancelObserved():
            noted.observed_at = noted.observed_at or event.time
        case CancelUnconfirmed():
            noted.unconfirmed_at = event.time
        case _:
            pass


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
