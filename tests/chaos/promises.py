"""What must hold at the end of any chaos, by all that is in the history."""

from collections import Counter
from collections.abc import Sequence

from events.run_events import TaskStarted
from events.words import Evidence, Status, Verdict
from tests.rig import Onlooker


def summary(onlooker: Onlooker, submitted: Sequence[str]) -> dict[str, int]:
    ends = Counter[str]()
    for task_id in submitted:
        task = onlooker.task(task_id)
        assert task is not None
        ends[f"{task.status}{f' ({task.evidence})' if task.evidence else ''}"] += 1
        # An executor that was stopped may tell, late, how its run had ended before the kill.
        ends["contradicted"] += task.contradicted
    return {"tasks": len(submitted), "entries": len(onlooker.entries), **ends}


def check_promises(onlooker: Onlooker, submitted: Sequence[str]) -> None:
    """One outcome each; an effective cancel ends `cancelled`, with evidence."""
    cancelled = {
        task.id
        for entry in onlooker.entries
        if entry.outcome.verdict is Verdict.EFFECTIVE
        for task in entry.outcome.tasks
        if task.cancel is not None
    }
    assert cancelled
    ends = {task.evidence for task in map(onlooker.task, submitted) if task is not None}
    assert ends - {None, Evidence.NEVER_STARTED}, "nothing that ran was ever stopped"
    for task_id in submitted:
        task = onlooker.task(task_id)
        assert task is not None
        assert task.finished
        if task_id in cancelled:
            assert task.status is Status.CANCELLED
            assert isinstance(task.evidence, Evidence)
    started = Counter(
        (entry.event.subject, entry.event.data.attempt)
        for entry in onlooker.entries
        if entry.event is not None
        and isinstance(entry.event.data, TaskStarted)
        and entry.outcome.verdict is Verdict.EFFECTIVE
    )
    assert all(times == 1 for times in started.values())
