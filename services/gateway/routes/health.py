"""Is it up, is it ready, how far behind is it. Open to everybody; says nothing of anybody."""

import asyncio

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from events.errors import LogUnavailable
from services.gateway.answers import answer
from services.gateway.desk import desk_of

router = APIRouter(tags=["health"])

LOG_SECONDS = 2.0


class Health(BaseModel):
    status: str


class Readiness(BaseModel):
    """`ready`, or why not; and how many entries of the log aren't in the read models yet."""

    status: str
    lag_entries: int | None


@router.get("/healthz", response_model=Health)
async def healthz() -> Response:
    """The process answers."""
    return answer(Health(status="up"))


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(request: Request) -> Response:
    """The log is there, its history is known, and the read models follow it."""
    desk = desk_of(request)
    why = desk.unready()
    if why is not None:
        return answer(Readiness(status=why, lag_entries=None), 503)
    try:
        async with asyncio.timeout(LOG_SECONDS):
            end = await desk.parts.log.end()
    except (LogUnavailable, TimeoutError):
        return answer(Readiness(status="log unavailable", lag_entries=None), 503)
    there = desk.parts.reads.frontier()
    lag = sum(max(0, offset - there.get(partition, 0)) for partition, offset in end.items())
    if lag > desk.settings.gateway.lag_limit_entries:
        return answer(Readiness(status="read models are behind", lag_entries=lag), 503)
    return answer(Readiness(status="ready", lag_entries=lag))
