"""Bytes that aren't an event of the current vocabulary: an older one, a newer one, or none."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ValidationError
from pydantic_core import from_json, to_json

from events.body import Organization, SubjectId
from events.errors import MalformedEvent, UnknownVersion
from events.upcasting import Upcasters, upcast

OURS = "countermand."


class Envelope(BaseModel):
    """The attributes by which an event is ours, whatever a later release adds to them."""

    id: UUID
    type: str
    subject: SubjectId
    time: AwareDatetime
    organization: Organization
    root: SubjectId
    data: dict[str, Any]


def in_current_version(raw: bytes, error: ValidationError, upcasters: Upcasters) -> bytes:
    """The event in the newest version that upcasters lead to, or the reason why there is none."""
    try:
        older: Any = from_json(raw, allow_inf_nan=False)
    except ValueError as not_json:
        raise MalformedEvent(f"not JSON ({not_json})") from None
    tag = older.get("type") if isinstance(older, dict) else None
    if not isinstance(tag, str):
        raise MalformedEvent("no type") from None
    if tag in upcasters:
        return _upcast(older, upcasters)
    if not any(detail["type"] == "union_tag_invalid" for detail in error.errors(include_url=False)):
        raise malformed(error) from None
    if not tag.startswith(OURS):
        raise MalformedEvent(f"type {tag[:80]!r} isn't Countermand's") from None
    try:
        Envelope.model_validate_json(raw)
    except ValidationError as no_event:
        raise malformed(no_event) from None
    raise UnknownVersion(tag[:200]) from None


def malformed(error: ValidationError) -> MalformedEvent:
    """The first thing that is wrong. Keys are somebody's input, so the text is cut."""
    detail = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return MalformedEvent(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"[:500])


def _upcast(older: Any, upcasters: Upcasters) -> bytes:
    try:
        return to_json(upcast(older, upcasters))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as unexpected:
        reason = f"{older['type'][:80]!r} lacks what this version has ({unexpected!r:.200})"
        raise MalformedEvent(reason) from None
