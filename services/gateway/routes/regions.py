"""Other regions: how old their news are; and where bridges take parcels and leave them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from events.body import ORGANIZATION_PATTERN
from events.positions import written_frontier
from projections.moments import moment_or_none
from services.gateway.answers import answer
from services.gateway.callers import IDEMPOTENT, Called, Caller, reader
from services.gateway.documents import Document
from services.gateway.native import PREFIX
from services.gateway.problems import Responses, responses
from services.gateway.receipt_documents import RequestDocument, request_document
from services.gateway.routes.cancels import WaitSeconds, bounded
from services.gateway.streaming import Streamed
from services.operations import carrying, sent
from services.refusals import NotFound
from services.regions.dock import Dock, frontier_of
from services.regions.parcels import FrontierText, Parcel, sealed

# Regions ask each other, and a newer release may name more than an older one knows.
router = APIRouter(prefix=PREFIX, tags=["regions"])

FRONTIER_LIMIT = 100_000
"""Characters."""
UNDECIDED: Responses = {
    202: {"model": RequestDocument, "description": "Accepted and durable; not decided yet."}
}
LINES = "application/x-ndjson"
PARCELS: Responses = {
    200: {
        "description": "A parcel a line, each behind the one before; an empty one in silence.",
        "content": {LINES: {"schema": {"type": "string"}}},
    }
}
RegionName = Annotated[str, Path(pattern=f"^{ORGANIZATION_PATTERN}$", examples=["eu"])]


class KnownRegionDocument(Document):
    """Another region."""

    region: str
    known_at: datetime | None = Field(
        description="All that it had said by then, by its clock, is known here."
    )
    heard_at: datetime | None = Field(description="When its last news came, by the clock here.")
    age_seconds: float | None = Field(description="Since then; none: there were none yet.")
    trouble: str | None = Field(
        description="Why nothing comes of it now, if the gateway that answers carries itself."
    )
    leaving_trouble: str | None = Field(
        description="The same of what was accepted here for it: a cut may be of one direction."
    )


class KnownRegions(Document):
    here: str
    others: tuple[KnownRegionDocument, ...]


class FrontierDocument(Document):
    frontier: FrontierText


@router.get("/regions", response_model=KnownRegions, responses=responses())
async def list_regions(caller: Called) -> Response:
    """The other regions, and how old what is known of them is."""
    found = tuple(
        KnownRegionDocument(
            region=each.region,
            known_at=moment_or_none(each.known_at_us),
            heard_at=moment_or_none(each.heard_at_us),
            age_seconds=each.age_seconds,
            trouble=each.trouble,
            leaving_trouble=each.leaving_trouble,
        )
        for each in await carrying.known(caller.scope)
    )
    return answer(KnownRegions(here=caller.desk.settings.region, others=found))


@router.get(
    "/requests/{event_id}",
    response_model=RequestDocument,
    responses={**UNDECIDED, **responses(404)},
)
async def get_request(caller: Called, event_id: UUID, wait_seconds: WaitSeconds = 0) -> Response:
    """What became of a request that was accepted here for another region; waits for its verdict."""
    one = await sent.decided(caller.scope, event_id, bounded(caller, wait_seconds))
    return answer(request_document(one), 202 if one.verdict is None else 200)


@router.get("/regions/end", response_model=FrontierDocument, responses=responses(404))
async def end(caller: Called) -> Response:
    """For bridges: how far this region's log reaches."""
    frontier = await carrying.end(caller.scope, dock_of(caller))
    return answer(FrontierDocument(frontier=written_frontier(frontier)))


@router.get(
    "/regions/{region}/parcels",
    response_class=StreamingResponse,
    responses={**PARCELS, **responses(404)},
)
async def parcels(
    caller: Called,
    region: RegionName,
    start: Annotated[str, Query(max_length=FRONTIER_LIMIT, description="A frontier.")],
    wait: Annotated[float, Query(ge=0.1, le=60, description="Seconds of silence, at most.")] = 2,
) -> Response:
    """For bridges: what that region may know of this one, from there on, as it is said."""
    frontier = frontier_of(start, "start")
    leaving = carrying.parcels(caller.scope, dock_of(caller), region, frontier, wait)
    return Streamed(in_lines(leaving), reader(caller), LINES, {"cache-control": "no-store"})


async def in_lines(parcels: AsyncGenerator[Parcel, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(parcels):
        async for parcel in parcels:
            yield sealed(parcel) + b"\n"


@router.get("/regions/{region}/taken", response_model=FrontierDocument, responses=responses(404))
async def taken(caller: Called, region: RegionName) -> Response:
    """For bridges: how far what that region has sent was taken here."""
    frontier = await carrying.taken(caller.scope, dock_of(caller), region)
    return answer(FrontierDocument(frontier=written_frontier(frontier)))


@router.post(
    "/regions/parcels",
    response_model=FrontierDocument,
    responses=responses(404, 409, 413),
    openapi_extra=IDEMPOTENT,
)
async def take(caller: Called, body: Parcel) -> Response:
    """For bridges: take what another region sends. Durable when answered."""

    async def work() -> Response:
        await carrying.take(caller.scope, dock_of(caller), body)
        return answer(FrontierDocument(frontier=body.end))

    return await caller.once(work)


def dock_of(caller: Caller) -> Dock:
    """Refuses who may not carry, also where there is nothing to be carried."""
    carrying.need_to_carry(caller.scope)
    dock = caller.desk.dock
    if dock is None:
        raise NotFound("region", "other than this one (see the setting regions.others)")
    return dock
