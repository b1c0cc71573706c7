"""What the native API says of webhooks. A secret is in one answer only."""

from datetime import datetime

from pydantic import Field

from events.positions import written_position
from projections.moments import moment, moment_or_none
from services.control_store.webhook_deliveries import Delivery
from services.control_store.webhooks import Endpoint
from services.gateway.documents import Document, WrittenPosition
from services.operations.webhooks import Made, Watched


class EndpointDocument(Document):
    """Who hears what."""

    id: str
    url: str
    types: tuple[str, ...] | None = Field(description="Null: every type of event.")
    description: str
    created_at: datetime
    created_by: str
    rotated_at: datetime | None


class MadeEndpointDocument(EndpointDocument):
    """An endpoint and its new secret."""

    secret: str = Field(description="Shown this once. Receivers verify signatures with it.")


class WatchedEndpointDocument(EndpointDocument):
    """An endpoint, and how deliveries to it go."""

    pending: int = Field(
        description="Deliveries that are queued: new, or to be tried again. At most "
        "`webhooks.queued_per_endpoint`; what is beyond waits in the history."
    )
    dead: int = Field(description="Deliveries that were given up: see `/dead` and `/redeliver`.")
    last_status: int | None = Field(description="Of that failure. Null: there was no answer.")
    last_error: str | None = Field(
        description="Why the oldest delivery that is to be tried again failed, or else the last "
        "one that was given up. Null: none of them has failed."
    )


class EndpointsDocument(Document):
    items: tuple[WatchedEndpointDocument, ...]


class DeadDeliveryDocument(Document):
    """A delivery that was given up."""

    event_id: str
    type: str
    position: WrittenPosition
    root: str
    attempts: int
    died_at: datetime
    last_status: int | None = Field(description="Null: there was no answer.")
    last_error: str


class DeadDeliveryPage(Document):
    items: tuple[DeadDeliveryDocument, ...]
    next_cursor: str | None


class RedeliveredDocument(Document):
    redelivered: int


def endpoint_document(endpoint: Endpoint) -> EndpointDocument:
    return EndpointDocument(
        id=endpoint.id,
        url=endpoint.url,
        types=endpoint.types,
        description=endpoint.description,
        created_at=moment(endpoint.created_at_us),
        created_by=endpoint.created_by,
        rotated_at=moment_or_none(endpoint.rotated_at_us),
    )


def watched_document(watched: Watched) -> WatchedEndpointDocument:
    shown = endpoint_document(watched.endpoint)
    return WatchedEndpointDocument(**shown.model_dump(), **watched.standing._asdict())


def made_document(made: Made) -> MadeEndpointDocument:
    shown = endpoint_document(made.endpoint)
    return MadeEndpointDocument(**shown.model_dump(), secret=made.secret)


def dead_document(delivery: Delivery) -> DeadDeliveryDocument:
    return DeadDeliveryDocument(
        event_id=delivery.event_id,
        type=delivery.type,
        position=written_position(delivery.position),
        root=delivery.root,
        attempts=delivery.attempts,
        died_at=moment(delivery.due_us),
        last_status=delivery.last_status,
        last_error=delivery.last_error,
    )
