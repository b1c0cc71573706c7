"""What the log is told of a run's end: which event says it."""

from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from events.body import Actor
from events.cancel_events import TaskCancelled
from events.run_events import OutputSummary, RunReleased, TaskCompleted, TaskFailed
from events.vocabulary import HistoryBody
from events.words import Evidence
from services.executor.runtime import Broke, Completed, Ending, Stopped, SweptAway
from services.secrets.masking import Mask

ERROR_CHARACTERS = 20_000
ERROR_TYPE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Told:
    """What is told whatever the end."""

    run_id: UUID
    me: Actor
    output: OutputSummary
    mask: Mask
    """Over the task's secrets."""


def outcome_of(ending: Ending, told: Told, cancel_id: UUID | None) -> HistoryBody:
    """`cancel_id`: of the cancel by which it was stopped, if it was."""
    match ending:
        case Completed(result):
            return TaskCompleted(
                actor=told.me,
                run_id=told.run_id,
                result=told.mask.json(result),
                output=told.output,
            )
        case Broke(error, error_type, permanent):
            return TaskFailed(
                actor=told.me,
                run_id=told.run_id,
                error=writable(told.mask.text(error), ERROR_CHARACTERS),
                error_type=writable(error_type, ERROR_TYPE_CHARACTERS) or "error",
                permanent=permanent,
                output=told.output,
            )
        case Stopped(evidence):
            return ended_by_us(evidence, told, cancel_id)
        case SweptAway():
            return ended_by_us(Evidence.KILLED, told, cancel_id)
        case _:
            assert_never(ending)


def ended_by_us(evidence: Evidence, told: Told, cancel_id: UUID | None) -> HistoryBody:
    if cancel_id is None:
        return RunReleased(actor=told.me, run_id=told.run_id, evidence=evidence, output=told.output)
    return TaskCancelled(
        actor=told.me,
        run_id=told.run_id,
        cancel_id=cancel_id,
        evidence=evidence,
        output=told.output,
    )


def writable(text: str, limit_characters: int) -> str:
    """As much of it as an event takes; authors' texts may hold what no encoding can."""
    return text[:limit_characters].encode(errors="replace").decode()
