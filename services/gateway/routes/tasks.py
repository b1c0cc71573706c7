"""Submit, look at, and steer tasks."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated

from fastapi import Path, Query, Response

from events.ids import LIMIT_CHARACTERS, PATTERN, log_key, root_of
from events.words import Evidence, Status
from services.gateway.answers import JSON, answer, as_bytes, news_headers, undecided
from services.gateway.callers import CANCELLING, IDEMPOTENT, Called, Caller, preferred_wait
from services.gateway.documents import (
    BatchDocument,
    ProgressDocument,
    TaskDocument,
    TaskPage,
    batch_document,
    task_document,
)
from services.gateway.native import native_routes
from services.gateway.pages import (
    NAMED_LIMIT,
    AsOfText,
    Cursor,
    Limit,
    aware,
    page_rows,
    pair,
    read_as_of,
)
from services.gateway.problems import Responses, responses
from services.gateway.receipt_documents import AcceptedDocument
from services.operations import copied, looking, roaming, steering, submitting
from services.operations.requests import (
    ApproveRequest,
    AttemptRequest,
    MoveRequest,
    Request,
    TaskRequest,
)
from services.operations.scope import Undecided
from services.permissions import Permission
from services.read_models.questions import TaskFilter
from services.read_models.rows import Task
from services.refusals import NotFound

router = native_routes("tasks")

TaskId = Annotated[
    str, Path(pattern=f"^{PATTERN}$", max_length=LIMIT_CHARACTERS, examples=["import-7"])
]


AskHome = Annotated[
    bool, Query(description="If another region decides about it: wait for all it has said by now.")
]


class BatchRequest(Request):
    """Many tasks at once, each with its own verdict."""

    tasks: list[TaskRequest]


@router.post(
    "/tasks",
    status_code=201,
    response_model=TaskDocument | BatchDocument,
    responses={202: {"model": AcceptedDocument}, **responses(409, 413)},
    openapi_extra=CANCELLING,
)
async def submit(caller: Called, body: TaskRequest | BatchRequest) -> Response:
    """Submit one task, or up to 1,000 as `{"tasks": [...]}`.

    Many, with `Prefer: respond-async`: durable when answered, verdicts left to the histories.
    """

    async def work() -> Response:
        if isinstance(body, BatchRequest):
            wait = preferred_wait(caller) > 0
            done = await submitting.submit_many(caller.scope, body.tasks, wait=wait)
            return Response(batch_document(done), 201, media_type=JSON)
        submitted = await submitting.submit(caller.scope, body)
        if isinstance(submitted, Undecided):
            return undecided(submitted)
        headers = {"location": f"/countermand/v1/tasks/{submitted.id}"}
        return answer(shown(caller, submitted), 201, headers)

    return await caller.once(work)


@router.get("/tasks", response_model=TaskPage, responses=responses())
async def list_tasks(
    caller: Called,
    status: Annotated[list[Status] | None, Query(max_length=NAMED_LIMIT)] = None,
    evidence: Annotated[list[Evidence] | None, Query(max_length=NAMED_LIMIT)] = None,
    kind: Annotated[str | None, Query(max_length=200)] = None,
    project: Annotated[str | None, Query(max_length=200)] = None,
    parent: Annotated[str | None, Query(max_length=200)] = None,
    root: Annotated[str | None, Query(max_length=200)] = None,
    label: Annotated[str | None, Query(max_length=1300, description="name=value")] = None,
    actor: Annotated[str | None, Query(max_length=300, description="kind:id")] = None,
    region: Annotated[str | None, Query(max_length=200)] = None,
    executor: Annotated[str | None, Query(max_length=200)] = None,
    created_from: datetime | None = None,
    created_before: datetime | None = None,
    as_of: AsOfText = None,
    cursor: Cursor = None,
    limit: Limit = None,
) -> Response:
    """Tasks, newest first."""
    where = TaskFilter(
        status=status,
        evidence=evidence,
        kind=kind,
        project=project,
        parent=parent,
        root=root,
        label=pair(label, "=", "label"),
        actor=pair(actor, ":", "actor"),
        region=region,
        executor=executor,
        created_from=aware(created_from, "created_from"),
        created_before=aware(created_before, "created_before"),
    )
    rows = page_rows(caller, limit)
    page, fresh = await looking.list_tasks(caller.scope, where, cursor, rows, read_as_of(as_of))
    items = tuple(shown(caller, task) for task in page.rows)
    return answer(TaskPage(items=items, next_cursor=page.next_cursor), fresh=fresh)


@router.get("/tasks/{task_id}", response_model=TaskDocument, responses=responses(404))
async def get_task(
    caller: Called, task_id: TaskId, as_of: AsOfText = None, fresh: AskHome = False
) -> Response:
    """A task, now or as of then. One that another region decides is shown as far as is known here;
    the header `countermand-region` names that region, `countermand-age-seconds` its news' age."""
    try:
        here = await own_task(caller, task_id, as_of)
    except NotFound:
        there = await elsewhere(caller, task_id, as_of, fresh)
        if there is None:
            raise
        return there
    return here or await elsewhere(caller, task_id, as_of, fresh) or await moved(caller, task_id)


async def elsewhere(
    caller: Caller, task_id: str, as_of: str | None, fresh: bool
) -> Response | None:
    """One that another region decides, as far as is known here."""
    there = None if as_of is not None else await copied.task(caller.scope, task_id, fresh=fresh)
    if there is None:
        return None
    return answer(task_document(there.task, None), headers=news_headers(there.copy))


async def moved(caller: Caller, task_id: str) -> Response:
    """One that another region decides, of which this one knows no more than that it has moved."""
    task, up_to_date = await looking.get_task(caller.scope, task_id)
    return answer(shown(caller, task), fresh=up_to_date)


async def own_task(caller: Caller, task_id: str, as_of: str | None) -> Response | None:
    """One that this region decides; None: it has moved to another."""
    if as_of is not None:
        task, fresh = await looking.get_task(caller.scope, task_id, read_as_of(as_of))
        return answer(task_document(task, None), fresh=fresh)
    caller.scope.need(Permission.TASKS_READ)
    documents = caller.desk.documents
    key = log_key(caller.scope.organization, root_of(task_id))
    known = None if caller.scope.told else documents.get(key, task_id)
    if known is not None:
        return Response(known, media_type="application/json")
    begun = documents.begin(key)
    task, up_to_date = await looking.get_task(caller.scope, task_id)
    if task.status is Status.MOVED:
        return None
    document = as_bytes(shown(caller, task))
    if up_to_date.behind is not None:
        return answer(shown(caller, task), fresh=up_to_date)
    documents.keep(key, begun, task_id, document)
    return Response(document, media_type="application/json")


STEERED: Responses = {202: {"model": AcceptedDocument}, **responses(404, 409, 413)}


@router.post(
    "/tasks/{task_id}/approve",
    response_model=TaskDocument,
    responses=STEERED,
    openapi_extra=IDEMPOTENT,
)
async def approve(caller: Called, task_id: TaskId, body: ApproveRequest | None = None) -> Response:
    """Answer what its run waits for."""
    request = body or ApproveRequest()
    return await caller.once(
        lambda: steered(caller, steering.approve(caller.scope, task_id, request))
    )


@router.post(
    "/tasks/{task_id}/retry",
    response_model=TaskDocument,
    responses=STEERED,
    openapi_extra=IDEMPOTENT,
)
async def retry(caller: Called, task_id: TaskId, body: AttemptRequest | None = None) -> Response:
    """Let a failed task be tried once more."""
    request = body or AttemptRequest()
    return await caller.once(
        lambda: steered(caller, steering.retry(caller.scope, task_id, request))
    )


@router.post(
    "/tasks/{task_id}/skip",
    response_model=TaskDocument,
    responses=STEERED,
    openapi_extra=IDEMPOTENT,
)
async def skip(caller: Called, task_id: TaskId, body: AttemptRequest | None = None) -> Response:
    """Leave a pending or failed task of a project out."""
    request = body or AttemptRequest()
    return await caller.once(lambda: steered(caller, steering.skip(caller.scope, task_id, request)))


@router.post(
    "/tasks/{task_id}/move",
    status_code=202,
    response_model=AcceptedDocument,
    responses=responses(404, 409, 413),
    openapi_extra=IDEMPOTENT,
)
async def move(caller: Called, task_id: TaskId, body: MoveRequest | None = None) -> Response:
    """Give a task that has never run a new home: this region, which asks the old one for it."""
    request = body or MoveRequest()

    async def work() -> Response:
        return undecided(await roaming.move(caller.scope, task_id, request))

    return await caller.once(work)


async def steered(caller: Caller, asked: Awaitable[Task | Undecided]) -> Response:
    task = await asked
    return undecided(task) if isinstance(task, Undecided) else answer(shown(caller, task))


def shown(caller: Caller, task: Task) -> TaskDocument:
    """The task with what its run has said last."""
    said = caller.desk.outputs.progress(task.organization, task.id, task.run_id)
    progress = None if said is None else ProgressDocument(fraction=said.fraction, step=said.step)
    return task_document(task, progress)
