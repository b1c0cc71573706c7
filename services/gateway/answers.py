"""How documents become responses: bytes by pydantic's own serializer, no second validation."""

from collections.abc import Mapping

from fastapi import Response
from pydantic import BaseModel

from events.positions import written_frontier
from events.words import Reason, Verdict
from services.gateway.idempotency import UNDECIDED
from services.gateway.receipt_documents import AcceptedDocument, receipt_document, request_document
from services.operations.abroad import accepted
from services.operations.looking import Fresh
from services.operations.receipts import Receipt
from services.operations.scope import Undecided
from services.refusals import Conflict
from services.regions.copy import Copy

JSON = "application/json"
REGION = "countermand-region"
"""On what is read from a copy: the region that decides."""
AGE = "countermand-age-seconds"
"""On what is read from a copy: how long ago that region's last news came."""
BEHIND = "countermand-behind"
"""On a read that gave up waiting: the frontier that it should have covered."""


def as_bytes(document: BaseModel) -> bytes:
    return document.__pydantic_serializer__.to_json(document)


def answer(
    document: BaseModel,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    fresh: Fresh | None = None,
) -> Response:
    more = dict(headers or {})
    if fresh is not None and fresh.behind is not None:
        more[BEHIND] = written_frontier(fresh.behind)
    return Response(as_bytes(document), status, more, JSON)


def undecided(one: Undecided) -> Response:
    """202: durable, not decided yet."""
    if one.sent is None:
        return answer(AcceptedDocument(id=one.id), 202, {UNDECIDED: "true"})
    request = request_document(accepted(one.sent))
    headers = {UNDECIDED: "true", "location": f"/countermand/v1/requests/{request.event_id}"}
    return answer(AcceptedDocument(id=one.id, request=request), 202, headers)


def receipt_answer(receipt: Receipt, location: str) -> Response:
    """200 when it has stopped, 202 while it is stopping or held, 409 when nothing could be done."""
    if receipt.verdict is Verdict.VOID and receipt.reason is not Reason.ALREADY_CANCELLING:
        raise Conflict(receipt.reason or "void", _why(receipt), receipt)
    headers = {"location": location}
    if receipt.verdict is None:
        headers[UNDECIDED] = "true"
    return answer(receipt_document(receipt), 200 if receipt.ended else 202, headers)


def _why(receipt: Receipt) -> str:
    if receipt.reason is Reason.ALREADY_FINISHED:
        late = "" if receipt.late_seconds is None else f", {receipt.late_seconds:.3f} s too late"
        return f"it had already finished{late}"
    return f"the cancel is void: {receipt.reason}"


def news_headers(copy: Copy) -> dict[str, str]:
    """Whose word this is, and how old."""
    age = "unknown" if copy.age_seconds is None else f"{copy.age_seconds:.3f}"
    return {REGION: copy.region, AGE: age}
