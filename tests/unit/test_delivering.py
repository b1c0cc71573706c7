"""Bytes of another region that aren't what they should be."""

import json
from typing import Any

import pytest

from events.cancel_events import CancelRequested
from events.errors import MalformedEvent, UnknownVersion
from events.event import encode
from services.refusals import Invalid
from services.regions.delivering import addressed_to
from services.regions.parcels import Line
from tests.builders import nothing_yet
from tests.builders.actors import START, USER
from tests.builders.parcels import line

ORDER = nothing_yet().addressed(CancelRequested(actor=USER), home="a").events[-1]


def changed(data: dict[str, Any] | None = None, **attributes: Any) -> Line:
    """The line of an order whose bytes say something else."""
    said = json.loads(encode(ORDER))
    said |= attributes
    said["data"] |= data or {}
    return line(ORDER, 0).model_copy(update={"value": json.dumps(said)})


ODD = {
    "no JSON": line(ORDER, 0).model_copy(update={"value": "no JSON"}),
    "no object": line(ORDER, 0).model_copy(update={"value": "[]"}),
    "no time": changed(time="yesterday"),
    "no time to hold it until": changed({"fields": {"hold_until": "tomorrow"}}),
    "a number as a time": changed({"fields": {"hold_until": 5}}),
    "no fields": changed({"fields": []}),
    "a field too many": changed({"fields": {"surprise": 1}}),
    "a part too many": changed({"surprise": 1}),
    "an attribute too many": changed(surprise=1),
    "no actor": changed({"actor": {}}),
    "a subject of another root": changed(subject="another"),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_no_request_is_refused_with_its_reason(odd: Line) -> None:
    with pytest.raises(MalformedEvent):
        addressed_to("a", odd, START)


@pytest.mark.parametrize(
    "attributes",
    [
        {"root": "other"},
        {"organization": "other"},
        {"id": "00000000-0000-0000-0000-000000000000"},
        {"type": "countermand.task.started.v1"},
    ],
)
def test_a_line_that_says_something_else_than_its_bytes_is_refused(
    attributes: dict[str, Any],
) -> None:
    with pytest.raises(Invalid, match="isn't what it says it is"):
        addressed_to("a", changed(**attributes), START)


def test_a_request_that_only_a_newer_release_knows_waits_for_that() -> None:
    with pytest.raises(UnknownVersion):
        addressed_to("a", changed({"request": "countermand.task.frozen.v9"}), START)
