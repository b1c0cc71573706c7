"""Webhooks: endpoints, their secrets, what was given up."""

from typing import Annotated

from fastapi import Path, Response

from services.gateway.answers import answer
from services.gateway.callers import IDEMPOTENT, Called
from services.gateway.native import native_routes
from services.gateway.pages import Cursor, Limit, page_rows
from services.gateway.problems import Responses, responses
from services.gateway.webhook_documents import (
    DeadDeliveryPage,
    EndpointDocument,
    EndpointsDocument,
    MadeEndpointDocument,
    RedeliveredDocument,
    WatchedEndpointDocument,
    dead_document,
    endpoint_document,
    made_document,
    watched_document,
)
from services.operations import webhooks
from services.operations.webhooks import EndpointRequest, RedeliverRequest, RotateRequest

router = native_routes("webhooks")

EndpointId = Annotated[str, Path(min_length=1, max_length=40)]
CHANGED: Responses = responses(404, 409, 413)
UNKEPT = {"cache-control": "no-store"}
"""On what has a secret in it."""


@router.post(
    "/webhooks",
    status_code=201,
    response_model=MadeEndpointDocument,
    responses=responses(409, 413),
    openapi_extra=IDEMPOTENT,
)
async def add(caller: Called, body: EndpointRequest) -> Response:
    """Have events delivered, signed as Standard Webhooks says. The secret is shown this once."""

    async def work() -> Response:
        made = await webhooks.add(caller.scope, caller.desk.webhooks, body)
        location = f"/countermand/v1/webhooks/{made.endpoint.id}"
        return answer(made_document(made), 201, {"location": location, **UNKEPT})

    return await caller.once(work)


@router.get("/webhooks", response_model=EndpointsDocument, responses=responses())
async def list_endpoints(caller: Called) -> Response:
    """Your organization's endpoints, the oldest first, and how deliveries to them go."""
    found = await webhooks.listed(caller.scope, caller.desk.webhooks)
    return answer(EndpointsDocument(items=tuple(map(watched_document, found))))


@router.get(
    "/webhooks/{endpoint_id}", response_model=WatchedEndpointDocument, responses=responses(404)
)
async def get_endpoint(caller: Called, endpoint_id: EndpointId) -> Response:
    """One endpoint, and how deliveries to it go."""
    found = await webhooks.look(caller.scope, caller.desk.webhooks, endpoint_id)
    return answer(watched_document(found))


@router.delete(
    "/webhooks/{endpoint_id}",
    response_model=EndpointDocument,
    responses=CHANGED,
    openapi_extra=IDEMPOTENT,
)
async def remove(caller: Called, endpoint_id: EndpointId) -> Response:
    """Deliver nothing more. The endpoint as it was."""

    async def work() -> Response:
        removed = await webhooks.remove(caller.scope, caller.desk.webhooks, endpoint_id)
        return answer(endpoint_document(removed))

    return await caller.once(work)


@router.post(
    "/webhooks/{endpoint_id}/rotate",
    response_model=MadeEndpointDocument,
    responses=CHANGED,
    openapi_extra=IDEMPOTENT,
)
async def rotate(
    caller: Called, endpoint_id: EndpointId, body: RotateRequest | None = None
) -> Response:
    """Sign with a new secret; for a while also with the one before."""
    request = body or RotateRequest()

    async def work() -> Response:
        made = await webhooks.rotate(caller.scope, caller.desk.webhooks, endpoint_id, request)
        return answer(made_document(made), headers=UNKEPT)

    return await caller.once(work)


@router.get(
    "/webhooks/{endpoint_id}/dead", response_model=DeadDeliveryPage, responses=responses(404)
)
async def list_dead(
    caller: Called, endpoint_id: EndpointId, cursor: Cursor = None, limit: Limit = None
) -> Response:
    """Deliveries that were given up, in the order of the log."""
    rows = page_rows(caller, limit)
    found, behind = await webhooks.dead(
        caller.scope, caller.desk.webhooks, endpoint_id, cursor, rows
    )
    return answer(DeadDeliveryPage(items=tuple(map(dead_document, found)), next_cursor=behind))


@router.post(
    "/webhooks/{endpoint_id}/redeliver",
    response_model=RedeliveredDocument,
    responses=CHANGED,
    openapi_extra=IDEMPOTENT,
)
async def redeliver(
    caller: Called, endpoint_id: EndpointId, body: RedeliverRequest | None = None
) -> Response:
    """Send what was given up again, from the first attempt on."""
    request = body or RedeliverRequest()

    async def work() -> Response:
        count = await webhooks.redeliver(caller.scope, caller.desk.webhooks, endpoint_id, request)
        return answer(RedeliveredDocument(redelivered=count))

    return await caller.once(work)
