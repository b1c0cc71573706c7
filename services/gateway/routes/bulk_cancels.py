"""Cancel many tasks: a preview, the order, how far it is, what came of each, and its end."""

from typing import Annotated

from fastapi import Path, Query, Response

from services.control_store.bulk_cancels import Place
from services.gateway.answers import answer
from services.gateway.bulk_documents import (
    BulkCancelDocument,
    BulkCancelList,
    BulkItemPage,
    BulkPreviewDocument,
    bulk_cancel_document,
    item_document,
    preview_document,
)
from services.gateway.callers import IDEMPOTENT, Called
from services.gateway.native import native_routes
from services.gateway.pages import Limit, page_rows
from services.gateway.problems import responses
from services.gateway.routes.cancels import WaitSeconds, bounded
from services.operations import bulk_cancelling
from services.operations.bulk_requests import BulkCancelRequest, BulkPreviewRequest
from services.read_models.questions import InvalidCursor

router = native_routes("bulk cancels")

JobId = Annotated[str, Path(max_length=100, examples=["019ab8c0-0000-7000-8000-000000000000"])]
Cursor = Annotated[str | None, Query(max_length=40, description="`next_cursor` of a page.")]


@router.post(
    "/bulk-cancels/preview",
    status_code=201,
    response_model=BulkPreviewDocument,
    responses=responses(409, 413),
    openapi_extra=IDEMPOTENT,
)
async def preview(caller: Called, body: BulkPreviewRequest) -> Response:
    """Say what would be cancelled, and keep exactly that for the token's time. Changes nothing."""

    async def work() -> Response:
        seen = await bulk_cancelling.preview(caller.scope, caller.desk.bulk, body)
        return answer(preview_document(seen), 201)

    return await caller.once(work)


@router.post(
    "/bulk-cancels",
    status_code=202,
    response_model=BulkCancelDocument,
    responses=responses(404, 409, 413),
    openapi_extra=IDEMPOTENT,
)
async def begin(caller: Called, body: BulkCancelRequest) -> Response:
    """Cancel what a preview selected, and nothing else. Durable: it is carried out to its end."""

    async def work() -> Response:
        job = await bulk_cancelling.begin(caller.scope, caller.desk.bulk, body)
        headers = {"location": f"/countermand/v1/bulk-cancels/{job.job.id}"}
        return answer(bulk_cancel_document(job), 202, headers)

    return await caller.once(work)


@router.get("/bulk-cancels", response_model=BulkCancelList, responses=responses())
async def newest(caller: Called) -> Response:
    """Your organization's newest ones."""
    jobs = await bulk_cancelling.newest(caller.scope, caller.desk.bulk)
    return answer(BulkCancelList(items=tuple(map(bulk_cancel_document, jobs))))


@router.get("/bulk-cancels/{job_id}", response_model=BulkCancelDocument, responses=responses(404))
async def get(caller: Called, job_id: JobId, wait_seconds: WaitSeconds = 0) -> Response:
    """How far it has come; waits for its end."""
    wait_seconds = bounded(caller, wait_seconds)
    job = await bulk_cancelling.look(caller.scope, caller.desk.bulk, job_id, wait_seconds)
    return answer(bulk_cancel_document(job))


@router.get("/bulk-cancels/{job_id}/items", response_model=BulkItemPage, responses=responses(404))
async def items(
    caller: Called, job_id: JobId, cursor: Cursor = None, limit: Limit = None
) -> Response:
    """What came of each task, in the order in which they are asked to stop."""
    found, then = await bulk_cancelling.results(
        caller.scope, caller.desk.bulk, job_id, place(cursor), page_rows(caller, limit)
    )
    next_cursor = None if then is None else f"{then.batch}.{then.first}"
    return answer(BulkItemPage(items=tuple(map(item_document, found)), next_cursor=next_cursor))


@router.post(
    "/bulk-cancels/{job_id}/stop",
    response_model=BulkCancelDocument,
    responses=responses(404, 409, 413),
    openapi_extra=IDEMPOTENT,
)
async def stop(caller: Called, job_id: JobId) -> Response:
    """Ask no further task to stop. What was asked stays asked: a cancel is irrevocable."""

    async def work() -> Response:
        job = await bulk_cancelling.stop(caller.scope, caller.desk.bulk, job_id)
        return answer(bulk_cancel_document(job))

    return await caller.once(work)


def place(cursor: str | None) -> Place:
    if cursor is None:
        return Place(0, 0)
    batch, dot, index = cursor.partition(".")
    plain = cursor.isascii() and batch.isdigit() and index.isdigit()
    if not (dot and plain) or max(len(batch), len(index)) > 9:
        raise InvalidCursor(cursor)
    return Place(int(batch), int(index))
