"""Pages, filters and points of the past, as queries name them."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from pydantic import StringConstraints

from events.positions import Position, read_frontier
from services.gateway.callers import Caller
from services.read_models.questions import AsOf
from services.refusals import Invalid

AsOfText = Annotated[
    str | None,
    Query(
        max_length=2000,
        description="A point of the past: a position (`0:42`, with that event), a frontier "
        "(`before:0:43,1:7`), or a time (RFC 3339). What the log hasn't reached, or a time to "
        "come, is none.",
        examples=["0:42"],
    ),
]
Cursor = Annotated[str | None, Query(max_length=2000, description="`next_cursor` of a page.")]
NAMED_LIMIT = 100
"""So many of a kind may a filter name."""
Types = Annotated[
    list[Annotated[str, StringConstraints(max_length=100)]] | None,
    Query(max_length=NAMED_LIMIT, description="Event types."),
]
Limit = Annotated[int | None, Query(ge=1, description="How many a page; there is a bound.")]


def page_rows(caller: Caller, limit: int | None) -> int:
    settings = caller.desk.settings.gateway
    return min(limit or settings.page_default_items, settings.page_limit_items)


def read_as_of(text: str | None) -> AsOf | None:
    if text is None:
        return None
    try:
        if text.startswith("before:"):
            return read_frontier(text.removeprefix("before:"))
        if "," in text:
            return read_frontier(text)
        partition, colon, offset = text.partition(":")
        plain = text.isascii() and partition.isdigit() and offset.isdigit()
        if colon and plain and len(text) <= 40:
            return Position(int(partition), int(offset))
        time = datetime.fromisoformat(text.replace(" ", "+") if "+" not in text else text)
    except ValueError:
        raise Invalid(
            "as_of", "a position (0:42), a frontier (before:0:43,1:7) or a time (RFC 3339)"
        ) from None
    return aware(time, "as_of")


def aware(time: datetime | None, name: str) -> datetime | None:
    if time is None:
        return None
    if time.tzinfo is None:
        raise Invalid(name, "say the time zone, e.g. 2026-01-31T12:00:00Z")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise Invalid(name, "not a time that there will be") from None


def pair(text: str | None, separator: str, name: str) -> tuple[str, str] | None:
    if text is None:
        return None
    left, found, right = text.partition(separator)
    if not found or not left:
        raise Invalid(name, f"two parts joined by {separator!r}")
    return left, right
