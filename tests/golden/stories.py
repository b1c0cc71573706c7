"""Histories told by hand: what the golden histories of the same names were first written from."""

from collections.abc import Callable, Iterable
from uuid import UUID

from events.cancel_events import CancelRequested
from events.region_events import RootHandedOver
from events.task_events import TaskSubmitted
from events.words import Evidence, Mode, Origin
from tests.builders import History, a_project, a_task, an_executing_project, nothing_yet
from tests.builders.actors import USER, run_of

A_CANCEL, A_SUBMISSION = CancelRequested(actor=USER), TaskSubmitted(actor=USER, kind="k")

ENDS: dict[str, Callable[[History], History]] = {
    "completed": lambda it: it.completed("late result"),
    "failed": lambda it: it.failed("interrupted"),
    "released": lambda it: it.released(Evidence.ACKNOWLEDGED),
    "lost": lambda it: it.lost().completed().cancelled(Evidence.KILLED).lost(),
}


def all_words(it: History, run_id: UUID | None = None) -> History:
    """Everything an executor can say of a run, one after the other."""
    return (
        it.attached(run_id=run_id)
        .adopted(run_id=run_id)
        .waiting(run_id=run_id)
        .cancel_observed(run_id=run_id)
        .cancel_unconfirmed(run_id=run_id)
        .completed(run_id=run_id)
        .failed(run_id=run_id)
        .released(Evidence.EXITED, run_id=run_id)
        .cancelled(run_id=run_id)
        .lost(run_id=run_id)
    )


def stories() -> Iterable[tuple[str, History]]:
    yield (
        "a-task-runs-to-its-end",
        a_task(description="count to ten")
        .repeated()
        .submitted(kind="other")
        .started()
        .repeated()
        .started(by="executor-2")
        .completed("done")
        .repeated()
        .failed("too late")
        .later(60)
        .cancel_requested(),
    )
    yield (
        "a-cancel-runs-its-course",
        a_task()
        .started()
        .cancelled()
        .cancel_observed()
        .cancel_requested(grace_seconds=30)
        .repeated()
        .cancel_requested(grace_seconds=30)
        .cancel_observed()
        .waiting()
        .cancel_requested(grace_seconds=5)
        .cancel_requested(Mode.FORCE)
        .cancel_unconfirmed()
        .cancelled(Evidence.KILLED)
        .repeated()
        .cancel_requested(Mode.FORCE)
        .closed(),
    )
    yield (
        "a-cancel-before-the-start",
        a_task()
        .closed()
        .cancel_requested(origin=Origin.BULK)
        .started()
        .closed()
        .repeated()
        .cancel_requested(),
    )
    for how, ended in ENDS.items():
        asked = a_task(max_attempts=3).started().cancel_requested(origin=Origin.DEADLINE)
        yield f"a-cancelled-run-{how}", ended(asked).retried().skipped()
    yield (
        "attempts-and-zombies",
        a_task(max_attempts=3, backoff_seconds=10)
        .retried()
        .started()
        .released(Evidence.EXITED)
        .completed("of the zombie", run_id=run_of("task", 1))
        .started(attempt=1)
        .started(region="elsewhere")
        .started(by="executor-2")
        .lost("executor-1")
        .lost()
        .started()
        .later(60)
        .started()
        .failed()
        .later(60)
        .started()
        .failed("for good", permanent=True)
        .retried(attempt=1)
        .retried()
        .repeated()
        .started()
        .completed(),
    )
    yield (
        "questions-and-answers",
        a_task(max_attempts=2)
        .resumed(1)
        .started()
        .waiting(2)
        .waiting(1)
        .repeated()
        .resumed(2)
        .resumed(1, {"approved": True})
        .repeated()
        .released(Evidence.EXITED)
        .started(by="executor-2")
        .waiting(1)
        .waiting(2)
        .cancel_requested()
        .resumed(2),
    )
    yield (
        "a-remote-run-changes-hands",
        a_task()
        .started(by="executor-1", remote=True)
        .attached("job-1")
        .attached("job-2")
        .lost()
        .adopted(by="executor-2")
        .adopted(by="executor-3", adoption=1, from_executor="executor-1")
        .cancel_requested()
        .adopted(by="executor-3")
        .cancelled(Evidence.REMOTE_ACKNOWLEDGED),
    )
    yield "a-local-run-stays", a_task().started().attached().adopted()
    yield (
        "cancels-ahead-of-their-tasks",
        nothing_yet()
        .cancel_requested()
        .cancel_requested(hold_seconds=-1)
        .cancel_requested(hold_seconds=60)
        .repeated()
        .repeated(0)
        .cancel_requested(hold_seconds=30)
        .cancel_requested(hold_seconds=60)
        .submitted()
        .started(),
    )
    yield (
        "a-hold-that-ended",
        nothing_yet()
        .cancel_requested(hold_seconds=60)
        .later(60)
        .submitted()
        .repeated(0)
        .cancel_requested(expires_in_seconds=-1)
        .started(),
    )
    yield (
        "a-family",
        a_task("t")
        .submitted(parent="x")
        .with_child("c")
        .with_child("d")
        .of("t")
        .started()
        .of("t.x")
        .with_child("y")
        .of("t.c")
        .started()
        .of("t.c.d")
        .started()
        .failed()
        .of("t")
        .cancel_requested()
        .of("t.c.d")
        .retried()
        .of("t.c")
        .with_child("e")
        .of("t.c")
        .completed()
        .of("t")
        .cancelled(),
    )
    yield (
        "a-project-completes",
        a_project("a", subject="p")
        .repeated(0)
        .created(title="another")
        .of("p")
        .submitted()
        .approved(1)
        .of("a")
        .started()
        .planned(0)
        .planned(2)
        .planned(3)
        .approved(1)
        .approved(2)
        .of("a")
        .started()
        .with_task("b", depends_on=("a",))
        .with_task("c")
        .with_task("d")
        .of("c.elsewhere")
        .submitted(parent="p.c", depends_on=("q.a",))
        .of("b")
        .started()
        .of("a")
        .started()
        .skipped()
        .of("b")
        .skipped(attempt=2)
        .planned(4)
        .paused(2)
        .paused(1)
        .of("c")
        .started()
        .paused(2)
        .unpaused(2)
        .unpaused(1)
        .repeated()
        .cancel_requested()
        .of("a")
        .failed()
        .of("b")
        .skipped()
        .of("a")
        .skipped()
        .project_cancel_requested()
        .of("a")
        .retried(),
    )
    project = an_executing_project("a", "b", "c", subject="p").of("a").started()
    yield (
        "a-project-is-cancelled",
        project.of("b")
        .started()
        .failed()
        .project_cancel_requested()
        .repeated()
        .project_cancel_requested()
        .project_cancel_requested(Mode.FORCE)
        .with_task("d")
        .of("b")
        .retried()
        .skipped()
        .of("a")
        .cancelled(Evidence.EXITED)
        .repeated()
        .project_cancel_requested(),
    )
    zombie = run_of("task", 1)
    yield "words-of-a-zombie", all_words(a_task().started().released().started(), zombie)
    yield "words-after-the-end", all_words(a_task().started().completed())
    yield "words-after-presumed", all_words(a_task().started().cancel_requested().lost())
    yield "words-before-a-cancel", a_task().started().cancel_observed().cancel_unconfirmed()
    yield (
        "a-budget-is-overrun",
        nothing_yet()
        .overran()
        .submitted(stop_within_seconds=1.0, max_attempts=2)
        .overran()
        .started()
        .overran()
        .cancel_requested(grace_seconds=30)
        .overran(60.0)
        .overran(1.0)
        .repeated()
        .later(60)
        .overran(2.0)
        .cancelled(Evidence.EXITED)
        .overran(3600.0)
        .overran(1.0),
    )
    yield (
        "an-executor-is-steered",
        nothing_yet("executor-1").steered().steered(claiming=True).repeated(),
    )
    sent = nothing_yet().addressed(A_CANCEL).addressed(A_SUBMISSION).repeated().submitted()
    yield (
        "what-was-sent-elsewhere",
        all_words(sent.started())
        .overran()
        .cancel_requested(hold_seconds=60)
        .addressed(A_CANCEL)
        .resumed(1)
        .skipped(1)
        .retried(1)
        .closed()
        .cancel_denied()
        .steered()
        .created()
        .planned(1)
        .approved(1)
        .paused(1)
        .unpaused(1)
        .project_cancel_requested()
        .progressed()
        .gave_output(),
    )
    yield (
        "a-task-of-here-is-sent-nowhere",
        a_task().addressed(A_CANCEL).addressed(A_SUBMISSION).started(),
    )
    away = all_words(a_task().handed_over().repeated())
    yield (
        "a-root-moves-away-and-comes-back",
        away.started()
        .overran()
        .cancel_requested(hold_seconds=60)
        .resumed(1)
        .skipped(1)
        .retried(1)
        .closed()
        .cancel_denied()
        .steered()
        .submitted()
        .addressed(A_CANCEL)
        .handed_over(task=away.task.spec)
        .taken_over(move=1)
        .taken_over(move=2)
        .repeated()
        .started()
        .handed_over()
        .completed()
        .handed_over(),
    )
    asked_for = nothing_yet().addressed(RootHandedOver(actor=USER, to="here"))
    yield (
        "a-root-is-asked-for-and-comes",
        asked_for.addressed(RootHandedOver(actor=USER, to="here"), home="venus")
        .submitted()
        .taken_over(labels={"team": "blue"})
        .repeated()
        .started()
        .completed(),
    )
    yield (
        "a-root-comes-after-its-cancel",
        nothing_yet().cancel_requested(hold_seconds=60).taken_over().handed_over(),
    )
    yield (
        "what-may-not-move",
        a_task().handed_over(move=2).handed_over(task=A_SUBMISSION).taken_over(),
    )
    yield (
        "what-another-region-decides-may-not-be-handed-over",
        nothing_yet().handed_over().addressed(A_SUBMISSION).handed_over(task=A_SUBMISSION),
    )
    nowhere = nothing_yet("nowhere").with_task("a").of("nowhere").planned(1).approved(1)
    yield (
        "what-is-nowhere",
        nowhere.paused(1)
        .unpaused(1)
        .project_cancel_requested()
        .started()
        .attached()
        .adopted()
        .waiting()
        .cancel_observed()
        .cancel_unconfirmed()
        .completed()
        .failed()
        .released()
        .resumed()
        .skipped()
        .retried()
        .lost()
        .closed()
        .cancel_denied()
        .progressed()
        .gave_output()
        .submitted()
        .skipped()
        .created(),
    )
