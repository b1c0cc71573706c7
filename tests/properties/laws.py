"""What must hold on every edge of a state graph: said again from the promises, not the rules."""

from collections.abc import Iterable
from typing import TypeAlias

from events.cancel_events import CancelRequested, TaskCancelled
from events.event import Event
from events.ids import above
from events.outcome import Outcome
from events.project_events import (
    ProjectApproved,
    ProjectCancelRequested,
    ProjectCreated,
    ProjectPaused,
    ProjectPlanned,
    ProjectResumed,
)
from events.region_events import RootHandedOver, RootTakenOver
from events.run_events import (
    RunAdopted,
    RunLost,
    RunReleased,
    TaskCompleted,
    TaskFailed,
    TaskResumed,
    TaskStarted,
    TaskWaiting,
)
from events.state import ProjectState, Root, TaskState
from events.task_events import TaskRetried, TaskSkipped, TaskSubmitted
from events.vocabulary import AnyBody
from events.words import Evidence, ProjectStatus, Reason, Status, Verdict

PENDING, RUNNING, WAITING = Status.PENDING, Status.RUNNING, Status.WAITING
CANCELLING, CANCELLED = Status.CANCELLING, Status.CANCELLED
SUCCEEDED, FAILED, SKIPPED = Status.SUCCEEDED, Status.FAILED, Status.SKIPPED
MOVED = Status.MOVED
ENDS = {SUCCEEDED, FAILED, CANCELLED, SKIPPED, MOVED}
ALIVE = {RUNNING, WAITING, CANCELLING}
Ways: TypeAlias = dict[Status | None, set[Status]]
UNDONE: Ways = {RUNNING: {PENDING, FAILED}, WAITING: {PENDING, FAILED}, CANCELLING: {CANCELLED}}

WAYS: dict[type[AnyBody], Ways] = {
    TaskSubmitted: {None: {PENDING, CANCELLED}},
    TaskStarted: {PENDING: {RUNNING}},
    RunAdopted: {each: {each} for each in ALIVE},
    TaskWaiting: {RUNNING: {WAITING}},
    TaskResumed: {WAITING: {RUNNING}},
    CancelRequested: {
        PENDING: {CANCELLED},
        RUNNING: {CANCELLING},
        WAITING: {CANCELLING},
        CANCELLING: {CANCELLING},
    },
    ProjectCancelRequested: {
        PENDING: {SKIPPED},
        RUNNING: {CANCELLING},
        WAITING: {CANCELLING},
        CANCELLING: {CANCELLING},
    },
    TaskCancelled: {CANCELLING: {CANCELLED}},
    TaskCompleted: {RUNNING: {SUCCEEDED}, WAITING: {SUCCEEDED}, CANCELLING: {CANCELLED}},
    TaskFailed: UNDONE,
    RunLost: UNDONE,
    RunReleased: {RUNNING: {PENDING}, WAITING: {PENDING}, CANCELLING: {CANCELLED}},
    TaskSkipped: {PENDING: {SKIPPED}, FAILED: {SKIPPED}},
    TaskRetried: {FAILED: {PENDING}},
    RootHandedOver: {PENDING: {MOVED}},
    RootTakenOver: {None: {PENDING, CANCELLED}, MOVED: {PENDING}},
}
"""Where an effective event may take a task from each status: all there is."""

PLANNING, PLANNED = ProjectStatus.PLANNING, ProjectStatus.PLANNED
EXECUTING, PAUSED = ProjectStatus.EXECUTING, ProjectStatus.PAUSED
LIVE = {PLANNING, PLANNED, EXECUTING, PAUSED}

PROJECT_WAYS: dict[type[AnyBody], dict[ProjectStatus | None, set[ProjectStatus]]] = {
    ProjectCreated: {None: {PLANNING}},
    ProjectPlanned: {PLANNING: {PLANNED}, PLANNED: {PLANNED}},
    ProjectApproved: {PLANNED: {EXECUTING}},
    ProjectPaused: {EXECUTING: {PAUSED}},
    ProjectResumed: {PAUSED: {EXECUTING}},
    ProjectCancelRequested: {
        each: {ProjectStatus.CANCELLING} for each in LIVE | {ProjectStatus.CANCELLING}
    },
}
"""The same for what is asked of a project; its ends are derived."""


def check_edge(root: Root, event: Event, outcome: Outcome, after: Root) -> None:
    """All the laws, of one event in one state."""
    if outcome.verdict is Verdict.VOID:
        void_changes_nothing(event, outcome)
        return
    assert not outcome.late_seconds
    if outcome.verdict is Verdict.NOTED:
        noted_changes_no_status(root, outcome)
    else:
        assert outcome.reason is None
        for task in outcome.tasks:
            a_task_goes_a_known_way(root.tasks.get(task.id), task, event)
        a_project_goes_a_known_way(root, event, after)
        nothing_moves_under_a_finished_project(root, outcome)
        what_an_event_needs_is_there(root, event, outcome, after)
    counts_are_true(after)
    an_idle_root_moves_only_when_asked(root, event, outcome)


def void_changes_nothing(event: Event, outcome: Outcome) -> None:
    assert outcome.reason is not None
    assert not outcome.tasks
    assert outcome.project is None
    assert outcome.tombstone is None
    assert outcome.refused in (None, event.id)
    assert (outcome.late_seconds is None) == (outcome.reason is not Reason.ALREADY_FINISHED)


def noted_changes_no_status(root: Root, outcome: Outcome) -> None:
    assert outcome.project is None
    assert outcome.tombstone is None
    for task in outcome.tasks:
        before = root.tasks[task.id]
        before = before._replace(
            run=task.run, contradicted=True, closed=task.closed, overran=task.overran
        )
        assert before == task._replace(contradicted=True)


def a_task_goes_a_known_way(before: TaskState | None, task: TaskState, event: Event) -> None:
    was = before.status if before else None
    assert task.status in WAYS[type(event.data)].get(was, ()), f"{was} to {task.status}"
    assert (task.evidence is not None) == (task.status is CANCELLED)
    assert (task.finished_at is not None) == (task.status in ENDS)
    assert task.contradicted is False
    if task.status in (CANCELLING, CANCELLED):
        assert task.cancel is not None
    if task.status in ALIVE:
        assert task.run is not None
    assert (task.waiting_for is not None) == (task.status is WAITING)
    if before is None:
        assert task.attempt == 1
        assert task.run is None
        return
    again = task.status is PENDING and before.status is not MOVED
    assert task.attempt == before.attempt + again, "one run per attempt"
    assert task.answers[: before.answered] == before.answers, "answers are kept"
    assert len(task.answers) == task.answered
    same_run = before.run is not None and task.run is not None and task.run.id == before.run.id
    if task.status is PENDING:
        assert task.run is None
    elif before.status in ALIVE:
        assert same_run


def a_project_goes_a_known_way(root: Root, event: Event, after: Root) -> None:
    """It goes where it was asked to, and on to its end as soon as its tasks are done."""
    before, project = root.project, after.project
    if project is None:
        return
    asked = PROJECT_WAYS.get(type(event.data))
    was = before.status if before else None
    may_be = {was} if asked is None else asked.get(was, set())
    tasks = after.tasks.values()
    alive = any(task.status in ALIVE for task in tasks)
    planned = sum(above(task.id) == project.id for task in tasks) >= project.planned_tasks
    done = planned and all(task.status in ENDS - {FAILED} for task in tasks)
    ends = {ProjectStatus.CANCELLING: ProjectStatus.CANCELLED} if not alive else {}
    if done:
        ends |= {EXECUTING: ProjectStatus.COMPLETED, PAUSED: ProjectStatus.COMPLETED}
    assert project.status in {ends.get(each, each) for each in may_be if each}
    assert (project.finished_at is not None) == project.finished


def nothing_moves_under_a_finished_project(root: Root, outcome: Outcome) -> None:
    if root.project is not None and root.project.finished:
        assert not outcome.tasks
        assert outcome.project is None


def what_an_event_needs_is_there(root: Root, event: Event, outcome: Outcome, after: Root) -> None:
    body = event.data
    match body:
        case TaskStarted():
            a_claim_was_due(root, event, body)
        case TaskSubmitted():
            assert not ended_above(root, event.subject), "submitted below something that ended"
            held = root.tombstones.get(event.subject)
            stopped = held is not None and event.time < held.hold_until
            assert (after.tasks[event.subject].status is CANCELLED) == stopped
            assert event.subject not in after.tombstones
        case RootHandedOver():
            task = root.tasks[event.subject]
            assert task.run is None, "what runs moves nowhere"
            assert task.started_at is None, "what has run moves nowhere"
            assert (after.home, after.moves) == (body.to, root.moves + 1)
        case RootTakenOver():
            assert root.home is not None or not root.tasks, "what is decided here isn't taken over"
            assert after.home is None
            assert after.moves == body.move > root.moves
        case TaskRetried():
            assert not ended_above(root, event.subject), "retried below something that ended"
        case TaskSkipped():
            assert root.project is not None
            assert root.project.status in LIVE
        case CancelRequested():
            assert body.expires_at is None or event.time <= body.expires_at
            if event.subject in root.tasks:
                everything_stops(task for task in after.tasks.values() if below(task, event))
            else:
                assert after.tombstones[event.subject].cancel.id == event.id
        case ProjectCancelRequested():
            everything_stops(after.tasks.values())
        case RunLost():
            run = root.tasks[event.subject].run
            assert run is not None
            assert not run.remote
            assert run.executor == body.executor
            now = after.tasks[event.subject]
            assert now.status is not CANCELLED or now.evidence is Evidence.PRESUMED
        case TaskCompleted():
            now = after.tasks[event.subject]
            assert now.status is not CANCELLED or now.evidence is Evidence.RAN_TO_END
        case TaskCancelled() | RunReleased():
            now = after.tasks[event.subject]
            assert now.status is not CANCELLED or now.evidence is body.evidence
        case _:
            pass


def a_claim_was_due(root: Root, event: Event, body: TaskStarted) -> None:
    task = root.tasks[event.subject]
    assert body.attempt == task.attempt
    assert body.region == task.spec.region
    assert task.not_before is None or task.not_before <= event.time
    for each in task.spec.depends_on:
        assert root.tasks[each].status in (SUCCEEDED, SKIPPED)
    project = root.project
    if project is not None:
        assert project.status is EXECUTING
        assert recounted(root, project).arrived >= project.planned_tasks


def everything_stops(tasks: Iterable[TaskState]) -> None:
    assert all(task.status is CANCELLING or task.status in ENDS for task in tasks)


def below(task: TaskState, event: Event) -> bool:
    return f"{task.id}.".startswith(f"{event.subject}.")


def ended_above(root: Root, subject: str) -> bool:
    """Something above has ended, or will only be cancelled."""
    if root.project is not None and root.project.status not in LIVE:
        return True
    parts = subject.split(".")
    higher = (root.tasks.get(".".join(parts[:depth])) for depth in range(1, len(parts)))
    return any(task and task.status in ENDS | {CANCELLING} for task in higher)


def counts_are_true(root: Root) -> None:
    assert root.unfinished == sum(task.status not in ENDS for task in root.tasks.values())
    if root.project is not None:
        assert root.project == recounted(root, root.project)
    listed = sorted(each for ids in root.below.values() for each in ids)
    assert listed == sorted(each for each in root.tasks if above(each))
    assert all(above(each) == up for up, ids in root.below.items() for each in ids)


def recounted(root: Root, project: ProjectState) -> ProjectState:
    statuses = [task.status for task in root.tasks.values()]
    return project._replace(
        arrived=sum(above(each) == project.id for each in root.tasks),
        unfinished=sum(status not in ENDS for status in statuses),
        active=sum(status in ALIVE for status in statuses),
        failed=statuses.count(FAILED),
    )


def an_idle_root_moves_only_when_asked(root: Root, event: Event, outcome: Outcome) -> None:
    """Who forgets a root that isn't live misses nothing until somebody asks for something."""
    if not root.live and outcome.verdict is Verdict.EFFECTIVE:
        assert isinstance(
            event.data,
            TaskSubmitted | TaskRetried | CancelRequested | ProjectCreated | RootTakenOver,
        )
