"""Who hears of events, and what could not be delivered."""

from typing import TypedDict


class Endpoint(TypedDict):
    """Who hears what by webhook."""

    id: str
    url: str
    types: list[str] | None
    description: str
    created_at: str
    created_by: str
    rotated_at: str | None


class WatchedEndpoint(Endpoint):
    """And how deliveries to it go."""

    pending: int
    dead: int
    last_status: int | None
    last_error: str | None


class MadeEndpoint(Endpoint):
    """With its new secret, which no other answer shows."""

    secret: str


class DeadDelivery(TypedDict):
    """A delivery that was given up."""

    event_id: str
    type: str
    position: str
    root: str
    attempts: int
    died_at: str
    last_status: int | None
    last_error: str
