"""`/metrics`, for Prometheus. Open unless a token is set; names no organization and no task."""

import hmac

from fastapi import APIRouter, Request, Response

from services.gateway.desk import desk_of
from services.refusals import NotFound, Unauthenticated

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    desk = desk_of(request)
    token = desk.settings.telemetry.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, b"Bearer " + token.get_secret_value().encode()):
            raise Unauthenticated("send 'Authorization: Bearer ...' with telemetry.metrics_token")
    if desk.metrics is None:
        raise NotFound("route", "/metrics")
    body, content_type = desk.metrics.text(request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type})
