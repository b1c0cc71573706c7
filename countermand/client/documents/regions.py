"""Other regions, and what was asked of them."""

from typing import TypedDict


class AtHome(TypedDict):
    """What is known of a request that another region decides."""

    region: str
    event_id: str
    position: str | None
    delivered_at: str | None
    appended_at: str | None
    known_at: str | None
    news_age_seconds: float | None


class RequestAbroad(TypedDict):
    """A request that one region has accepted for another to decide."""

    event_id: str
    subject: str
    type: str
    position: str
    accepted_at: str
    verdict: str
    reason: str | None
    late_seconds: float | None
    home: AtHome


class KnownRegion(TypedDict):
    """Another region, and how old its news are."""

    region: str
    known_at: str | None
    heard_at: str | None
    age_seconds: float | None
    trouble: str | None
    leaving_trouble: str | None
    """Why nothing comes of it now, if who answers knows."""


class Regions(TypedDict):
    """This region, and the others."""

    here: str
    others: list[KnownRegion]
