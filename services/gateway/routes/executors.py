"""Executors: list them, look at one, let it stop claiming, let it claim again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from fastapi import Response
from pydantic import Field

from services.gateway.answers import answer
from services.gateway.callers import IDEMPOTENT, Called
from services.gateway.documents import Document
from services.gateway.native import native_routes
from services.gateway.problems import Responses, responses
from services.gateway.routes.tasks import TaskId
from services.operations import executors
from services.operations.requests import ReasonBody
from services.read_models.rows import Task
from services.roll import Enrolled, Roll

router = native_routes("executors")


class ExecutorDocument(Document):
    """An executor, as it was heard of last."""

    id: str
    state: Literal["alive", "draining", "lost"]
    region: str
    labels: dict[str, str]
    kinds: tuple[str, ...]
    running: int = Field(description="Of all organizations.")
    concurrent_runs: int
    heard_at: datetime
    lease_until: datetime


class RunDocument(Document):
    """What it runs of yours."""

    task_id: str
    kind: str
    status: str
    run_id: str | None
    started_at: datetime | None


class ExecutorWithRunsDocument(ExecutorDocument):
    runs: tuple[RunDocument, ...] = Field(
        description="Of your organization, the newest; all of them: /tasks?executor=..."
    )


class ExecutorList(Document):
    items: tuple[ExecutorDocument, ...]


STEERED: Responses = {
    202: {"model": ExecutorDocument, "description": "Durable; it hasn't said yet that it obeys."},
    **responses(404, 409, 413),
}


@router.get("/executors", response_model=ExecutorList, responses=responses())
async def list_executors(caller: Called) -> Response:
    """All that were heard of lately."""
    roll = caller.desk.roll
    found = await executors.all_of_them(caller.scope, roll)
    return answer(ExecutorList(items=tuple(document(each, roll) for each in found)))


@router.get(
    "/executors/{executor_id}",
    response_model=ExecutorWithRunsDocument,
    responses=responses(404),
)
async def get_executor(caller: Called, executor_id: TaskId) -> Response:
    """One, with what it runs for your organization."""
    roll, limit = caller.desk.roll, caller.desk.settings.gateway.page_limit_items
    found, tasks = await executors.one(caller.scope, roll, executor_id, limit)
    plain = document(found, roll).model_dump()
    return answer(ExecutorWithRunsDocument(**plain, runs=runs(tasks)))


@router.post(
    "/executors/{executor_id}/drain",
    response_model=ExecutorDocument,
    responses=STEERED,
    openapi_extra=IDEMPOTENT,
)
async def drain(caller: Called, executor_id: TaskId, body: ReasonBody | None = None) -> Response:
    """Claim nothing more. What runs goes on; its tasks can be cancelled as ever."""
    return await steered(caller, executor_id, body, claiming=False)


@router.post(
    "/executors/{executor_id}/resume",
    response_model=ExecutorDocument,
    responses=STEERED,
    openapi_extra=IDEMPOTENT,
)
async def resume(caller: Called, executor_id: TaskId, body: ReasonBody | None = None) -> Response:
    """Claim again."""
    return await steered(caller, executor_id, body, claiming=True)


async def steered(
    caller: Called, executor_id: str, body: ReasonBody | None, *, claiming: bool
) -> Response:
    reason, roll = (body or ReasonBody()).reason, caller.desk.roll

    async def work() -> Response:
        done = await executors.steer(caller.scope, roll, executor_id, reason, claiming=claiming)
        return answer(document(done.executor, roll), 200 if done.obeyed else 202)

    return await caller.once(work)


def document(one: Enrolled, roll: Roll) -> ExecutorDocument:
    said = one.said
    return ExecutorDocument(
        id=said.executor,
        state=one.state(roll.now_us()),
        region=said.region,
        labels=said.labels,
        kinds=tuple(sorted(said.kinds)),
        running=said.running,
        concurrent_runs=said.concurrent_runs,
        heard_at=moment(one.heard_at_us),
        lease_until=moment(one.until_us),
    )


def runs(tasks: Sequence[Task]) -> tuple[RunDocument, ...]:
    return tuple(
        RunDocument(
            task_id=task.id,
            kind=task.spec.kind,
            status=task.status,
            run_id=None if task.run_id is None else str(task.run_id),
            started_at=task.started_at,
        )
        for task in tasks
    )


def moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, UTC)
