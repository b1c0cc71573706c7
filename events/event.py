"""The envelope, and its bytes.

An event is a CloudEvents 1.0 JSON event. The bytes that `encode` gives once are the record's
value on every log and are never encoded again: proofs hash them.
"""

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Union
from uuid import UUID

from pydantic import (
    AwareDatetime,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    create_model,
    model_validator,
)

from events.body import Organization, Part, Region, SubjectId, trusted
from events.errors import EventTooLarge
from events.ids import log_key, root_of
from events.plain import check_offset
from events.unread import in_current_version, malformed
from events.upcasting import UPCASTERS, Upcasters
from events.vocabulary import HISTORY_BODIES, OUTPUT_BODIES, AnyBody

LIMIT_BYTES = 1_000_000

Source = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+$", max_length=200)
]
"""A URI reference, as CloudEvents wants it, e.g. `/gateway/3`."""


class Event(Part):
    """One event: the CloudEvents attributes, our extensions, and the body as `data`."""

    specversion: Literal["1.0"]
    id: UUID
    source: Source
    type: str
    subject: SubjectId
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    organization: Organization
    root: SubjectId
    region: Region = "local"
    correlationid: UUID | None = None
    causationid: UUID | None = None
    traceparent: Annotated[str, Field(max_length=100)] | None = None
    data: AnyBody

    @model_validator(mode="after")
    def _is_ordered_by_its_own_root(self) -> "Event":
        if self.root != root_of(self.subject):
            raise ValueError(f"root {self.root!r} isn't the root of subject {self.subject!r}")
        return self

    @property
    def key(self) -> str:
        """What the log orders by."""
        return log_key(self.organization, self.root)


def new_event(
    data: AnyBody,
    *,
    id: UUID,
    subject: str,
    organization: str,
    time: datetime,
    source: str,
    region: str = "local",
    correlationid: UUID | None = None,
    causationid: UUID | None = None,
    traceparent: str | None = None,
) -> Event:
    """An event about `subject`; clock and ids are the caller's."""
    return envelope_of(type(data))(
        specversion="1.0",
        id=id,
        source=source,
        type=data.TYPE,
        subject=subject,
        time=check_offset(time),
        organization=organization,
        root=root_of(subject),
        region=region,
        correlationid=correlationid,
        causationid=causationid,
        traceparent=traceparent,
        data=data,
    )


def like(first: Event, data: AnyBody, *, id: UUID, subject: str, time: datetime) -> Event:
    """Another event of one request: what it shares with the first was validated there.

    `subject` has passed `check_id`, and `data` is of the same type as the first's.
    """
    fields = {
        **first.__dict__,
        "id": id,
        "subject": subject,
        "time": time,
        "root": root_of(subject),
        "data": data,
    }
    return trusted(type(first), fields)


def encode(event: Event) -> bytes:
    """The canonical bytes. Absent attributes are left out, as CloudEvents wants it."""
    raw = event.__pydantic_serializer__.to_json(event, exclude_none=True)
    if len(raw) > LIMIT_BYTES:
        raise EventTooLarge(len(raw), LIMIT_BYTES)
    return raw


def decode(raw: bytes, upcasters: Upcasters = UPCASTERS) -> Event:
    """The event in these bytes; `MalformedEvent` or `UnknownVersion` when there is none."""
    try:
        return _any_event().validate_json(raw, strict=True)
    except ValidationError as error:
        current = in_current_version(raw, error, upcasters)
    try:
        return _any_event().validate_json(current, strict=True)
    except ValidationError as error:
        raise malformed(error) from None


@cache
def envelope_of(body: type[AnyBody]) -> type[Event]:
    """The envelope model of one body: its tag and its data, nothing else."""
    tag: Any = Literal[body.TYPE]
    return create_model(f"{body.__name__}Event", __base__=Event, type=(tag, ...), data=(body, ...))


@cache
def _any_event() -> TypeAdapter[Event]:
    envelopes = tuple(envelope_of(body) for body in (*HISTORY_BODIES, *OUTPUT_BODIES))
    any_of_them: Any = Annotated[Union[envelopes], Field(discriminator="type")]  # noqa: UP007
    return TypeAdapter(any_of_them)
