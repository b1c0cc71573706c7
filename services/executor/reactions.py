"""What the state of a task or a project, as the log now has it, means for an executor.

Only judges what it is shown, and passes it on: to whoever claims, runs, adopts or closes.
"""

from collections.abc import Mapping, Sequence

from events.event import Event
from events.state import ProjectState, Root, TaskState
from events.words import ACTIVE, Evidence, ProjectStatus, Status
from projections.entry import Entry
from services.executor.adoptions import Adoptions
from services.executor.closings import Closings
from services.executor.held_runs import HeldRuns
from services.executor.peers import Peers
from services.executor.releases import left_behind
from services.executor.run import LiveRun
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import Place, WaitingRoom

PENDING, SKIPPED = Status.PENDING, Status.SKIPPED
"""Looked up once: they are asked for with every task."""


class Reactions:
    """Of one executor."""

    def __init__(
        self,
        roots: Mapping[str, Root],
        room: WaitingRoom,
        held: HeldRuns,
        adoptions: Adoptions,
        closings: Closings,
        peers: Peers,
        around: Surroundings,
        *,
        alone: bool,
    ) -> None:
        self._roots = roots
        self._room = room
        self._held = held
        self._adoptions = adoptions
        self._closings = closings
        self._peers = peers
        self._around = around
        self._alone = alone
        self._executing: set[str] = set()
        """Projects whose tasks may be claimed."""

    def entered(self, entries: Sequence[Entry]) -> None:
        closing: list[Event] = []
        for entry in entries:
            outcome, event = entry.outcome, entry.event
            if event is None:
                continue
            for task in outcome.tasks:
                self._changed(entry.key, event.organization, task, closing)
            if outcome.project is not None:
                self._project_changed(entry.key, event.organization, outcome.project)
        self._say(closing)

    def look_at_everything(self) -> None:
        """That is alive: what was entered before is heard of in no other way."""
        closing: list[Event] = []
        for key, root in list(self._roots.items()):
            organization = key.partition("/")[0]
            for task in root.tasks.values():
                self._changed(key, organization, task, closing)
            if root.project is not None:
                self._project_changed(key, organization, root.project)
        self._say(closing)

    def freed(self, run: LiveRun) -> None:
        """There is room for another run, and perhaps for the same task again."""
        self._adoptions.freed(run)
        self._room.ready.set()
        self._look_at_one(run.place)

    def _say(self, closing: Sequence[Event]) -> None:
        if closing:
            self._around.tasks.create_task(self._around.voice.say(*closing))

    def _project_changed(self, key: str, organization: str, project: ProjectState) -> None:
        """Once a project executes with all its tasks there, look at all that waited for it."""
        executing = project.status is ProjectStatus.EXECUTING and project.complete
        if not executing:
            self._executing.discard(key)
        elif key not in self._executing:
            self._executing.add(key)
            for task in self._roots[key].tasks.values():
                self._look_at_one(Place(key, organization, task.id))

    def _look_at_one(self, place: Place) -> None:
        root = self._roots.get(place.key)
        task = root.tasks.get(place.task_id) if root else None
        if task is not None and task.status is Status.PENDING and root is not None:
            self._room.consider(place, root, task)

    def _changed(self, key: str, organization: str, task: TaskState, closing: list[Event]) -> None:
        """What a task's new state means for this executor."""
        place = Place(key, organization, task.id)
        if task.status is not SKIPPED:  # Nothing of it ran, and one cancel may skip ten thousand.
            self._ran_or_may_run(place, task, closing)
        if task.status is not PENDING:
            self._room.forget(place, task.spec.kind)
        for waiter in self._room.released(key, task):
            self._look_at_one(waiter)

    def _ran_or_may_run(self, place: Place, task: TaskState, closing: list[Event]) -> None:
        run = self._held.by_place.get(place)
        held = run is not None and task.run is not None and task.run.id == run.run_id
        match task.status:
            case Status.PENDING:
                if run is None:
                    self._look_at_one(place)
                elif run.task.attempt < task.attempt:
                    run.disown()
            case Status.RUNNING | Status.WAITING | Status.CANCELLING:
                if held and run is not None:
                    self._tell(run, task)
                elif task.run is not None and task.run.remote:
                    self._adoptions.adopt(place)
                elif task.run is not None and task.run.executor == self._around.executor_id:
                    # A claim of its own that is effective, and that nobody here holds.
                    closing.append(self._left_behind(place, task, Evidence.NEVER_STARTED))
                elif task.run is not None and self._alone and not task.run.remote:
                    # A predecessor's, and nothing of that is alive.
                    closing.append(self._left_behind(place, task, Evidence.KILLED))
            case Status.CANCELLED if task.evidence is Evidence.NEVER_STARTED and not task.closed:
                me = self._around.executor_id
                if not self._peers.before(me, task.id, task.spec.kind, task.spec.requires):
                    self._closings.due(place.organization, task)
            case _:
                if held and run is not None:
                    run.disown()
        if task.status not in ACTIVE:
            self._adoptions.forget(place)

    def _tell(self, run: LiveRun, task: TaskState) -> None:
        owner = None if task.run is None else task.run.executor
        mine = owner == self._around.executor_id
        if not mine and (run.adopts is None or run.adopts.executor != owner):
            run.disown()  # Somebody else has adopted it.
        elif task.status is Status.CANCELLING and task.cancel is not None:
            run.cancelled_by(task.cancel)
        elif task.status is Status.RUNNING and task.answered > len(run.task.answers):
            run.answered(task.answered, task.answers[-1])

    def _left_behind(self, place: Place, task: TaskState, evidence: Evidence) -> Event:
        around = self._around
        return left_behind(around.executor_id, around.voice, place.organization, task, evidence)
