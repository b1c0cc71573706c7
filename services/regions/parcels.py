"""What goes from region to region: lines of a history, in order, and how far they reach.

A parcel says everything that its target may know between two frontiers of the source. So whoever
takes it knows that nothing is missing, and taking it twice is taking it once.
"""

from typing import Annotated

from pydantic import Field

from events.body import (
    Count,
    Moment,
    Name,
    Organization,
    Part,
    Region,
    SubjectId,
    trusted,
)
from events.positions import Position
from services.read_models.every_line import AnyLine

FrontierText = Annotated[str, Field(pattern=r"^\d+:\d+(,\d+:\d+)*$", max_length=100_000)]


class Line(Part):
    """One line of a history, as its region judged it."""

    partition: Count
    offset: Count
    appended_at_us: int
    verdict: Name
    reason: Name | None = None
    type: Name
    organization: Organization
    root: SubjectId
    event_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    value: Annotated[str, Field(max_length=1_000_000)]
    """The event's canonical bytes."""

    @property
    def position(self) -> Position:
        return Position(self.partition, self.offset)


class Parcel(Part):
    """Lines of one region for another."""

    source: Region
    start: FrontierText
    end: FrontierText
    read_at: Moment
    """By the source's clock: what was decided there later isn't in here."""
    lines: tuple[Line, ...] = ()
    whole: bool = False
    """It has everything that was said between the two, also to other regions: who takes it can
    judge what comes next."""
    cluster: Name | None = None
    """Of the brokers that it was read from, by their own name."""


def as_line(row: AnyLine) -> Line:
    """Of a record that is an event; it was validated when it was judged."""
    fields = {
        "partition": row.position.partition,
        "offset": row.position.offset,
        "appended_at_us": row.appended_us,
        "verdict": row.verdict,
        "reason": row.reason,
        "type": row.type,
        "organization": row.organization,
        "root": row.root,
        "event_id": row.event_id,
        "value": row.value.decode(),
    }
    return trusted(Line, fields)


def sealed(parcel: Parcel) -> bytes:
    """The parcel as it goes over the wire, in one line: who carries it needn't open it. What isn't
    there is left out: whoever takes it may be of a release that doesn't know it."""
    return parcel.__pydantic_serializer__.to_json(parcel, exclude_none=True)


def opened(value: bytes) -> Parcel:
    """Raises pydantic's `ValidationError`."""
    return Parcel.model_validate_json(value)
