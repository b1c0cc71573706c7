"""What the gateway's routes share: operations' parts, credentials, limits, caches.

Made once by the composition root; routes reach it through their caller.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from services.bulk_canceller import BulkCanceller
from services.control_store import ControlStore
from services.gateway.api_key_cache import ApiKeyCache
from services.gateway.idempotency import Once
from services.gateway.jwt_tokens import JwtTokens
from services.gateway.kept_documents import KeptDocuments
from services.gateway.rate_limits import Buckets
from services.gateway.streaming import OpenStreams
from services.operations.bulk_cancelling import BulkParts
from services.operations.pulse import Pictures
from services.operations.scope import Parts
from services.operations.webhooks import WebhookDesk
from services.outputs import Outputs
from services.regions.dock import Dock
from services.right_of_way import RightOfWay
from services.roll import Roll
from services.settings import Settings
from services.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a route may need."""

    parts: Parts
    settings: Settings
    keys: ApiKeyCache
    tokens: JwtTokens
    reads: Buckets
    writes: Buckets
    once: Once
    documents: KeptDocuments
    outputs: Outputs
    streams: OpenStreams
    bulk: BulkParts
    roll: Roll
    unready: Callable[[], str | None]
    """Why this process isn't ready; None when it is."""
    pictures: Pictures | None
    """The pulse; None where none is kept."""
    metrics: Metrics | None
    webhooks: WebhookDesk
    dock: Dock | None
    """Where bridges call; None where there are no other regions."""
    right_of_way: RightOfWay


def new_desk(
    parts: Parts,
    settings: Settings,
    store: ControlStore,
    outputs: Outputs,
    canceller: BulkCanceller,
    roll: Roll,
    monotonic: Callable[[], float],
    unready: Callable[[], str | None],
    pictures: Pictures | None = None,
    metrics: Metrics | None = None,
    webhooks_changed: Callable[[], None] | None = None,
    dock: Dock | None = None,
    right_of_way: RightOfWay | None = None,
) -> Desk:
    limits = settings.gateway
    documents = KeptDocuments(limits.documents_kept)
    parts.verdicts.tell(documents.changed)
    outputs.tell(documents.changed)
    now = parts.world.now

    def buckets(per_second: float) -> Buckets:
        burst = per_second * limits.burst_seconds
        return Buckets(per_second, burst, limits.principals_counted, monotonic)

    return Desk(
        parts=parts,
        settings=settings,
        keys=ApiKeyCache(store, settings, now, monotonic),
        tokens=JwtTokens(settings.jwt, settings.roles, now, monotonic),
        reads=buckets(limits.reads_per_second),
        writes=buckets(limits.writes_per_second),
        once=Once(store, limits, now),
        documents=documents,
        outputs=outputs,
        streams=OpenStreams(limits.streams_per_principal),
        bulk=BulkParts(store, canceller, settings.bulk),
        roll=roll,
        unready=unready,
        pictures=pictures,
        metrics=metrics,
        webhooks=WebhookDesk(store, settings.webhooks, webhooks_changed),
        dock=dock,
        right_of_way=right_of_way or RightOfWay(monotonic),
    )


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
