"""What users do, through a gateway: submit, cancel, approve, retry, plan and steer projects."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from events.body import Actor
from events.cancel_events import CancelRequested
from events.ids import root_of
from events.outcome import Outcome
from events.positions import Frontier
from events.project_events import (
    ProjectApproved,
    ProjectCancelRequested,
    ProjectCreated,
    ProjectPaused,
    ProjectPlanned,
    ProjectResumed,
)
from events.run_events import TaskResumed
from events.state import Root, TaskState
from events.task_events import TaskRetried, TaskSkipped, TaskSubmitted
from events.vocabulary import HistoryBody
from events.words import Mode, Status
from projections.entry import Entry
from tests.simulation.node import Node
from tests.simulation.promises import Promises
from tests.simulation.services import Shared

ORGANIZATION = "acme"
USER = Actor(kind="user", id="ada", organization=ORGANIZATION, authenticated_by="api_key")
BUSY_SECONDS = 40.0
"""Users are busy for so long."""


ENDLESS_SECONDS = 1e9


class Users:
    """Everybody who uses this gateway. Also a listener of its ledger."""

    def __init__(self, node: Node, shared: Shared, promises: Promises) -> None:
        self.calm = False
        self._node = node
        self._random = node.random
        self._promises = promises
        self._voice = shared.voice(node, "gateway")
        self._shared = shared
        self._tasks: asyncio.TaskGroup | None = None
        self._roots: Mapping[str, Root] = {}
        self._steered: set[tuple[str, int, int]] = set()
        self._retried: set[str] = set()

    async def live(self) -> None:
        ledger = self._shared.ledger(self._node, self._voice, self)  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(ledger.run())
            await ledger.ready.wait()
            for number in range(self._random.randint(8, 20)):
                tasks.create_task(self._one_task(f"task-{number}"))
            for number in range(self._random.randint(0, 3)):
                tasks.create_task(self._one_project(f"project-{number}"))

    # ── one user each ─────────────────────────────────────────────────────────────────────────────

    async def _one_task(self, task_id: str) -> None:
        source = self._random
        await asyncio.sleep(source.uniform(0, BUSY_SECONDS * 0.7))
        if source.random() < 0.1:
            await self._cancel(task_id, hold_seconds=source.choice((1.0, 30.0)))
        if source.random() < 0.05:
            task_id = f"unknown-{task_id}"
        await self._submit(task_id, **self._spec(task_id))
        if source.random() < 0.15:
            child_id = f"{task_id}.by-hand"
            await self._submit(child_id, parent=task_id, **self._spec(child_id))
        for _ in range(source.choice((0, 1, 1, 1, 2, 3))):
            await asyncio.sleep(source.choice((0.0, source.uniform(0, 6))))
            await self._cancel(task_id)

    async def _one_project(self, project_id: str) -> None:
        source = self._random
        await asyncio.sleep(source.uniform(0, BUSY_SECONDS * 0.5))
        await self._ask(ProjectCreated(actor=USER), project_id)
        ids = [f"{project_id}.t{number}" for number in range(source.randint(2, 6))]
        late = source.random() < 0.3
        await self._submit_all(ids[:-1] if late else ids)
        await self._ask(ProjectPlanned(actor=USER, plan=1, tasks=len(ids)), project_id)
        await self._ask(ProjectApproved(actor=USER, plan=1), project_id)
        if late:
            await self._submit_all(ids[-1:], before=ids[:-1])
        if source.random() < 0.3:
            await asyncio.sleep(source.uniform(0, 3))
            await self._ask(ProjectPaused(actor=USER, pause=1), project_id)
            await asyncio.sleep(source.uniform(0, 6))
            await self._ask(ProjectResumed(actor=USER, pause=1), project_id)
        for _ in range(source.randint(0, 2)):
            await asyncio.sleep(source.uniform(0, 4))
            await self._cancel(source.choice(ids))
        if source.random() < 0.3:
            await asyncio.sleep(source.uniform(0, 6))
            mode = source.choice((Mode.GRACEFUL, Mode.FORCE))
            await self._ask(ProjectCancelRequested(actor=USER, mode=mode), project_id)

    async def _submit_all(self, ids: Sequence[str], before: Sequence[str] = ()) -> None:
        earlier = list(before)
        for task_id in ids:
            depends_on = tuple(each for each in earlier if self._random.random() < 0.4)
            spec = self._spec(task_id)
            await self._submit(task_id, project=root_of(task_id), depends_on=depends_on, **spec)
            earlier.append(task_id)

    def _spec(self, task_id: str) -> dict[str, Any]:
        source = self._random
        kind = source.choice(("shared", "shared", "rare", "isolated"))
        spec: dict[str, Any] = {
            "kind": "nobody-knows-it" if task_id.startswith("unknown") else kind,
            "payload": a_plan(source),
            "grace_seconds": source.choice((0.0, 0.5, 3.0)),
            "max_attempts": source.choice((1, 1, 2, 3)),
            "backoff_seconds": source.choice((0.1, 2.0)),
        }
        now = self._node.world.now()
        if source.random() < 0.25:
            spec["deadline"] = now + timedelta(seconds=source.uniform(0, 8))
            # Only the deadline can end it.
            spec["payload"]["seconds"] = source.choice((ENDLESS_SECONDS, 1.0))
        if source.random() < 0.15:
            spec["not_before"] = now + timedelta(seconds=source.uniform(0, 8))
        if source.random() < 0.15:
            spec["isolation"] = "isolated"
        if source.random() < 0.1:
            spec["requires"] = {"disk": "large"}
        return spec

    # ── what they say ─────────────────────────────────────────────────────────────────────────────

    async def _submit(self, task_id: str, **spec: Any) -> None:
        await self._ask(TaskSubmitted(actor=USER, **spec), task_id)

    async def _cancel(self, task_id: str, hold_seconds: float | None = None) -> None:
        hold_until = None
        if hold_seconds is not None:
            hold_until = self._node.world.now() + timedelta(seconds=hold_seconds)
        body = CancelRequested(
            actor=USER,
            reason="no longer needed",
            mode=self._random.choice((Mode.GRACEFUL, Mode.GRACEFUL, Mode.FORCE)),
            grace_seconds=self._random.choice((None, None, 0.0, 2.0)),
            hold_until=hold_until,
        )
        await self._ask(body, task_id)

    async def _ask(self, body: HistoryBody, subject: str) -> Outcome:
        """Say it, and see that the verdict heard here is the one that the log has."""
        event = self._voice.event(body, subject=subject, organization=ORGANIZATION)
        heard = await self._voice.ask(event)
        verdict = self._promises.outcomes[event.id]
        self._promises.require(
            heard.verdict is verdict.verdict and heard.reason is verdict.reason,
            f"{subject}: the gateway heard {heard.verdict}, the log says {verdict.verdict}",
        )
        return heard

    # ── what they react to ────────────────────────────────────────────────────────────────────────

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self._roots = roots

    def entered(self, entries: Sequence[Entry]) -> None:
        assert self._tasks is not None
        for entry in entries:
            for task in entry.outcome.tasks:
                if task.status is Status.WAITING and self._first_time(
                    task.id, task.attempt, task.answered
                ):
                    self._tasks.create_task(self._approve(task))
                if task.status is Status.FAILED and task.id not in self._retried:
                    self._retried.add(task.id)
                    self._tasks.create_task(self._go_on_after(task))

    async def room(self) -> None:
        """Always."""

    def _first_time(self, task_id: str, attempt: int, answered: int) -> bool:
        seen = (task_id, attempt, answered) in self._steered
        self._steered.add((task_id, attempt, answered))
        return not seen

    async def _approve(self, task: TaskState) -> None:
        await asyncio.sleep(self._random.uniform(0, 6))
        assert task.waiting_for is not None
        await self._ask(TaskResumed(actor=USER, wait=task.waiting_for, answer="yes"), task.id)

    async def _go_on_after(self, task: TaskState) -> None:
        """A failed task is tried once more, skipped, or left as it is."""
        what = self._random.choice(("retry", "retry", "skip", "leave"))
        await asyncio.sleep(self._random.uniform(0, 4))
        if what == "retry":
            await self._ask(TaskRetried(actor=USER, attempt=task.attempt), task.id)
        elif what == "skip":
            await self._ask(TaskSkipped(actor=USER, attempt=task.attempt), task.id)


def a_plan(source: random.Random) -> dict[str, Any]:
    """What a run will do."""
    plan: dict[str, Any] = {
        "seconds": source.choice((0.0, 0.05, source.uniform(0, 2), source.uniform(0, 8))),
        "when_asked": source.choice(
            ("stops", "stops", "takes its time", "finishes", "breaks", "ignores")
        ),
    }
    if source.random() < 0.2:
        plan["breaks"] = True
    if source.random() < 0.1:
        plan["waits"] = source.choice((1, 2))
    if source.random() < 0.1:
        plan["children"] = 2
    if source.random() < 0.2:
        plan["says"] = 3
    if source.random() < 0.05:
        plan["dies_after"] = 8.0
    if source.random() < 0.03:
        plan["cannot_start"] = True
    return plan
