"""Cancel a task, and what came of it."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.gateway.answers import answer, receipt_answer
from services.gateway.callers import CANCELLING, Called, Caller, preferred_wait
from services.gateway.native import native_routes
from services.gateway.problems import Responses, responses
from services.gateway.receipt_documents import ReceiptDocument, receipt_document
from services.gateway.routes.tasks import TaskId
from services.operations import cancelling, looking
from services.operations.receipts import Receipt
from services.operations.requests import CancelRequest

router = native_routes("cancels")

WaitSeconds = Annotated[
    float,
    Query(
        ge=0, le=86_400, description="Wait so many seconds, at most, for the stop.", alias="wait"
    ),
]
STOPPING: Responses = {
    202: {"model": ReceiptDocument, "description": "Accepted and durable; not over yet."}
}


@router.post(
    "/tasks/{task_id}/cancel",
    response_model=ReceiptDocument,
    responses={**STOPPING, **responses(404, 409, 413)},
    openapi_extra=CANCELLING,
)
async def cancel(caller: Called, task_id: TaskId, body: CancelRequest | None = None) -> Response:
    """Stop a task. 200: it has stopped; 202: durable and irrevocable, still stopping."""
    request = body or CancelRequest()
    wait_seconds = preferred_wait(caller)

    async def work() -> Response:
        receipt = await cancelling.cancel(caller.scope, task_id, request, wait_seconds)
        return receipt_answer(receipt, where(receipt))

    return await caller.once(work)


@router.get(
    "/tasks/{task_id}/receipt",
    response_model=ReceiptDocument,
    responses={**STOPPING, **responses(404, 409)},
)
async def get_receipt(
    caller: Called, task_id: TaskId, wait_seconds: WaitSeconds = 0, event_id: UUID | None = None
) -> Response:
    """The receipt of the cancel in force, or of one that is named; waits for the stop."""
    wait_seconds = bounded(caller, wait_seconds)
    receipt = await looking.receipt_of_task(caller.scope, task_id, event_id, wait_seconds)
    return answer(receipt_document(receipt), 200 if receipt.ended else 202)


def bounded(caller: Caller, wait_seconds: float) -> float:
    return min(wait_seconds, caller.desk.settings.gateway.wait_limit_seconds)


def where(receipt: Receipt) -> str:
    return f"/countermand/v1/tasks/{receipt.subject}/receipt?event_id={receipt.event_id}"
