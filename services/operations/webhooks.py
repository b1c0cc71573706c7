"""Endpoints of webhooks: add, list, rotate, remove; what was given up, and sending it again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, NamedTuple, TypeVar

import sqlalchemy as sa
from pydantic import Field

from events.positions import Position, written_position
from projections.moments import us
from services.control_store import ControlStore, webhook_deliveries, webhooks
from services.control_store.webhook_deliveries import Delivery, Standing
from services.control_store.webhooks import Endpoint, Secrets
from services.operations.event_types import check_types
from services.operations.requests import Request
from services.operations.scope import Scope
from services.permissions import Permission
from services.refusals import Conflict, Invalid, NotFound, TooMany, Unavailable
from services.webhooks.addresses import check_url
from services.webhooks.settings import WebhookSettings

T = TypeVar("T")


class EndpointRequest(Request):
    """Who wants to hear what."""

    url: Annotated[str, Field(min_length=1, max_length=2000, examples=["https://example.org/in"])]
    types: Annotated[tuple[str, ...], Field(max_length=100)] | None = Field(
        None, description="Types of events, e.g. `countermand.task.cancelled.v1`; without, all."
    )
    description: Annotated[str, Field(max_length=1000)] = ""


class RotateRequest(Request):
    """Another secret."""

    overlap_seconds: Annotated[float, Field(ge=0, le=30 * 86_400, allow_inf_nan=False)] | None = (
        Field(None, description="For how long the one before signs, too.")
    )


class RedeliverRequest(Request):
    """Which dead deliveries to send again."""

    event_ids: Annotated[tuple[str, ...], Field(max_length=1000)] | None = Field(
        None, description="Ids of their events; without, all of them."
    )


class Made(NamedTuple):
    """An endpoint and its new secret: the only time that it is shown."""

    endpoint: Endpoint
    secret: str


class Watched(NamedTuple):
    """An endpoint, and how deliveries to it go."""

    endpoint: Endpoint
    standing: Standing


@dataclass(frozen=True, slots=True)
class WebhookDesk:
    """What these operations need besides a scope."""

    store: ControlStore
    settings: WebhookSettings
    tell: Callable[[], None] | None
    """Tells whoever delivers; None where nobody does."""

    async def ask(self, do: Callable[[sa.Connection], T]) -> T:
        try:
            return await self.store.ask(do)
        except sa.exc.OperationalError as error:
            raise Unavailable("the control store can't be reached: try again") from error

    def changed(self) -> None:
        if self.tell is not None:
            self.tell()


async def add(scope: Scope, desk: WebhookDesk, request: EndpointRequest) -> Made:
    """It hears what is appended from now on."""
    scope.need(Permission.OPERATE)
    if desk.tell is None:
        raise Unavailable("nobody delivers webhooks here")
    settings = desk.settings
    try:
        check_url(request.url, plain_http=settings.plain_http, allowed=settings.allowed_networks)
    except ValueError as error:
        raise Invalid("url", str(error)) from error
    check_types(request.types, "types")
    endpoint = Endpoint(
        id=str(scope.new_id("webhook")),
        organization=scope.organization,
        url=request.url,
        types=request.types,
        description=request.description,
        created_at_us=us(scope.now()),
        created_by=f"{scope.principal.kind} {scope.principal.id}"[:250],
        rotated_at_us=None,
    )
    secret = webhooks.new_secret()
    start = await scope.parts.log.end()
    limit = settings.endpoints_per_organization
    make = partial(webhooks.add, endpoint=endpoint, secret=secret, start=start, limit=limit)
    try:
        made = await desk.ask(make)
    except sa.exc.IntegrityError:
        return await _made_before(desk, endpoint)
    if not made:
        raise TooMany(f"webhook endpoints in your organization (at most {limit})", 3600)
    desk.changed()
    return Made(endpoint, secret)


async def _made_before(desk: WebhookDesk, wanted: Endpoint) -> Made:
    """By a request of the same key whose answer was lost, unless it made another endpoint."""

    def look(connection: sa.Connection) -> tuple[Endpoint | None, Secrets | None]:
        found = webhooks.find(connection, wanted.organization, wanted.id)
        return found, webhooks.secrets_of(connection, wanted.id)

    endpoint, kept = await desk.ask(look)
    if endpoint is None or kept is None or not _is_the_same(endpoint, wanted):
        raise Conflict(
            "idempotency_key_reused",
            "this Idempotency-Key has made another endpoint: choose a new one",
        )
    return Made(endpoint, kept.current)


def _is_the_same(one: Endpoint, other: Endpoint) -> bool:
    return (one.url, one.types, one.description) == (other.url, other.types, other.description)


async def listed(scope: Scope, desk: WebhookDesk) -> Sequence[Watched]:
    scope.need(Permission.OPERATE)

    def all_of_them(connection: sa.Connection) -> list[Watched]:
        mine = webhooks.listed(connection, scope.organization)
        return [Watched(each, webhook_deliveries.standing(connection, each.id)) for each in mine]

    return await desk.ask(all_of_them)


async def look(scope: Scope, desk: WebhookDesk, id: str) -> Watched:
    endpoint = await find(scope, desk, id)
    return Watched(endpoint, await desk.ask(partial(webhook_deliveries.standing, endpoint_id=id)))


async def find(scope: Scope, desk: WebhookDesk, id: str) -> Endpoint:
    """Or `NotFound`: another organization's is nobody's here."""
    scope.need(Permission.OPERATE)
    ask = partial(webhooks.find, organization=scope.organization, id=id)
    return found(await desk.ask(ask), id)


async def rotate(scope: Scope, desk: WebhookDesk, id: str, request: RotateRequest) -> Made:
    """Sign with another secret; for a while also with the one before."""
    scope.need(Permission.OPERATE)
    overlap_seconds = request.overlap_seconds
    if overlap_seconds is None:
        overlap_seconds = desk.settings.secret_overlap_seconds
    secret, now_us = webhooks.new_secret(), us(scope.now())
    change = partial(
        webhooks.rotate,
        organization=scope.organization,
        id=id,
        secret=secret,
        now_us=now_us,
        previous_until_us=now_us + int(overlap_seconds * 1_000_000),
    )
    endpoint = found(await desk.ask(change), id)
    desk.changed()
    return Made(endpoint, secret)


async def remove(scope: Scope, desk: WebhookDesk, id: str) -> Endpoint:
    """Nothing more is delivered; what waited is forgotten."""
    scope.need(Permission.OPERATE)
    take = partial(webhooks.remove, organization=scope.organization, id=id)
    endpoint = found(await desk.ask(take), id)
    desk.changed()
    return endpoint


async def dead(
    scope: Scope, desk: WebhookDesk, id: str, cursor: str | None, limit: int
) -> tuple[Sequence[Delivery], str | None]:
    """What was given up, in the order of the log, and the cursor behind it."""
    await find(scope, desk, id)
    after = None if cursor is None else read_cursor(cursor)
    ask = partial(webhook_deliveries.dead, endpoint_id=id, after=after, limit=limit + 1)
    deliveries = await desk.ask(ask)
    more = len(deliveries) > limit
    shown = deliveries[:limit]
    return shown, written_position(shown[-1].position) if more else None


async def redeliver(scope: Scope, desk: WebhookDesk, id: str, request: RedeliverRequest) -> int:
    """Put dead deliveries back into the queue; they come behind what is later in the log."""
    await find(scope, desk, id)
    put = partial(
        webhook_deliveries.redeliver,
        endpoint_id=id,
        event_ids=request.event_ids,
        now_us=us(scope.now()),
    )
    count = await desk.ask(put)
    desk.changed()
    return count


def found(endpoint: Endpoint | None, id: str) -> Endpoint:
    if endpoint is None:
        raise NotFound("webhook endpoint", id)
    return endpoint


def read_cursor(text: str) -> Position:
    partition, _, offset = text.partition(":")
    plain = text.isascii() and partition.isdigit() and offset.isdigit() and len(text) < 30
    if not plain:
        raise Invalid("cursor", "send back `next_cursor` as it came")
    return Position(int(partition), int(offset))
