"""Releases of runs that nobody holds, and that are checked to be gone."""

from events.event import Event
from events.ids import derived_id
from events.run_events import RunReleased
from events.state import TaskState
from events.words import Evidence
from services.voice import Voice, as_executor


def left_behind(
    executor_id: str, voice: Voice, organization: str, task: TaskState, evidence: Evidence
) -> Event:
    """Its guardian, or this executor, says that the task's current run is gone."""
    assert task.run is not None
    body = RunReleased(
        actor=as_executor(executor_id, organization), run_id=task.run.id, evidence=evidence
    )
    return voice.event(
        body,
        subject=task.id,
        organization=organization,
        id=derived_id(task.run.id, "released"),
    )
