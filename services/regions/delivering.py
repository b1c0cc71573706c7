"""How a request that another region has accepted becomes the same request in this one's log.

Taken out of the bytes that were accepted, put into those that are to be appended, and validated
once, as what it has become: a region that catches up does this for thousands.
"""

from datetime import datetime
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from events.cancel_events import CancelRequested
from events.errors import EventTooLarge, MalformedEvent, UnknownVersion
from events.event import LIMIT_BYTES, Event, envelope_of
from events.ids import log_key
from events.log import Message
from events.rules.ending import after
from events.unread import malformed
from services.refusals import Invalid
from services.regions.addressing import REQUESTS, Request, delivered_id
from services.regions.parcels import Line

JsonDict: TypeAlias = dict[str, Any]


class NotAsItSays(Invalid):
    """The event of a line is another one than the line says."""

    def __init__(self, line: Line) -> None:
        super().__init__("lines", f"{line.partition}:{line.offset} isn't what it says it is")


def addressed_to(here: str, line: Line, now: datetime) -> Message | None:
    """The request in a `RequestAddressed`, `now` by the clock here; None when it is for another
    region. Raises `MalformedEvent`, and `UnknownVersion`."""
    accepted = object_in(line)
    try:
        body = accepted["data"]
        home, tag, fields = body.pop("home"), body.pop("request"), body.pop("fields")
        if home != here:
            return None
        return delivered(line, accepted, tag, {**body, **fields}, now)
    except UNLIKE_A_REQUEST as error:
        raise no_request(error) from None


def sent_on(line: Line, now: datetime) -> Message:
    """The request that the line itself is. Raises the same."""
    accepted = object_in(line)
    try:
        return delivered(line, accepted, line.type, accepted["data"], now)
    except UNLIKE_A_REQUEST as error:
        raise no_request(error) from None


UNLIKE_A_REQUEST = (AttributeError, LookupError, TypeError, ValueError)


def no_request(error: Exception) -> MalformedEvent:
    return MalformedEvent(f"not a request between regions ({error!r:.200})")


def object_in(line: Line) -> JsonDict:
    try:
        found: JsonDict = from_json(line.value, allow_inf_nan=False)
        said = (found["type"], found["organization"], found["root"], found["id"])
    except UNLIKE_A_REQUEST as error:
        raise no_request(error) from None
    if said != (line.type, line.organization, line.root, dashed(line.event_id)):
        raise NotAsItSays(line)
    return found


def dashed(hex_digits: str) -> str:
    """An event's id as its bytes have it."""
    d = hex_digits
    return f"{d[:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:]}"


def delivered(line: Line, accepted: JsonDict, tag: str, body: JsonDict, now: datetime) -> Message:
    """Under an id derived from what was accepted, so that carrying it again repeats it. In the
    envelope's order; what stays keeps its place."""
    model = REQUESTS.get(tag)
    if model is None:
        raise UnknownVersion(tag[:200])
    if model is CancelRequested:
        body = cancel_delivered(body, accepted["time"], now)
    said, accepted_id = accepted, accepted["id"]
    said |= {"id": delivered_id(accepted_id), "type": tag, "time": now}
    del said["data"]
    traceparent, correlation_id = said.pop("traceparent", None), said.pop("correlationid", None)
    said.pop("causationid", None)
    said["correlationid"] = correlation_id or accepted_id
    said["causationid"] = accepted_id
    if traceparent is not None:
        said["traceparent"] = traceparent
    said["data"] = body
    return read_again(model, to_json(said), log_key(line.organization, line.root))


def cancel_delivered(body: JsonDict, accepted_at: str, now: datetime) -> JsonDict:
    """It is held for as long as was asked for, counted from here on: no two clocks agree, and the
    time on its way isn't to shorten it."""
    hold_until = body.get("hold_until")
    if hold_until is not None:
        held = datetime.fromisoformat(hold_until) - datetime.fromisoformat(accepted_at)
        body["hold_until"] = after(now, held.total_seconds())
    # Both are the last fields; what the first region said of it stays.
    body.pop("delivered_at", None)
    body["accepted_at"] = body.pop("accepted_at", None) or accepted_at
    body["delivered_at"] = now
    return body


def read_again(model: type[Request], value: bytes, key: str) -> Message:
    """What the log is to take, if it is what it has to be."""
    if len(value) > LIMIT_BYTES:
        raise EventTooLarge(len(value), LIMIT_BYTES)
    try:
        event: Event = envelope_of(model).model_validate_json(value, strict=True)
    except ValidationError as error:
        raise malformed(error) from None
    return Message(key, value, event)
