"""The bytes of an event: canonical for ever, read strictly, refused with a reason."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from events.body import Json
from events.cancel_events import CancelRequested, TaskCancelled
from events.errors import EventTooLarge, MalformedEvent, UnknownVersion
from events.event import LIMIT_BYTES, Event, decode, encode, new_event
from events.plain import DEPTH_LIMIT, INTEGER_BITS_LIMIT
from events.run_events import RunReleased, TaskCompleted, TaskResumed
from events.task_events import TaskSubmitted
from events.upcasting import JsonDict
from events.words import Evidence
from tests.builders import a_task
from tests.builders.actors import START, USER, run_of


def changed(event: Event, change: Callable[[JsonDict], Any]) -> bytes:
    """The event's bytes after somebody has tampered with its JSON."""
    tampered = json.loads(encode(event))
    change(tampered)
    return json.dumps(tampered).encode()


STARTED = a_task().started().events[-1]


def test_an_event_is_a_cloudevent_with_our_extensions_and_nothing_absent_in_it() -> None:
    event = a_task("t").with_child("c").started().events[-1]

    told = json.loads(encode(event))

    assert told == {
        "specversion": "1.0",
        "id": str(event.id),
        "source": "/executor/executor-1",
        "type": "countermand.task.started.v1",
        "subject": "t.c",
        "time": "2026-01-01T00:00:03Z",
        "datacontenttype": "application/json",
        "organization": "acme",
        "root": "t",
        "region": "local",
        "data": {
            "actor": {
                "kind": "executor",
                "id": "executor-1",
                "organization": "acme",
                "authenticated_by": "internal",
            },
            "reason": "",
            "run_id": str(run_of("t.c")),
            "attempt": 1,
            "executor": "executor-1",
            "region": "local",
            "remote": False,
        },
    }
    assert event.key == "acme/t"


def test_an_event_is_read_back_as_it_was_and_written_the_same() -> None:
    for event in a_task().started().waiting().resumed().cancel_requested().cancelled().events:
        raw = encode(event)

        assert decode(raw) == event
        assert encode(decode(raw)) == raw


def test_nothing_within_a_payload_is_lost() -> None:
    payload: dict[str, Json] = {
        "none": None,
        "list": [None, {"none": None}, []],
        "": {"empty": {}},
        "text": "\0\x1f\u2028\U0001f600",
        "large": 2**INTEGER_BITS_LIMIT - 1,
        "float": [1e22, -0.0, 5e-324, 0.1],
        "bool": True,
        "one": 1,
    }
    event = a_task(payload=payload).events[0]

    told = decode(encode(event)).data

    assert isinstance(told, TaskSubmitted)
    assert json.dumps(told.payload) == json.dumps(payload)


def nested(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels):
        value = [value]
    return value


def test_what_can_be_written_can_be_read() -> None:
    deepest = a_task().started().completed(nested(DEPTH_LIMIT)).events[-1]

    assert decode(encode(deepest)) == deepest
    with pytest.raises(ValidationError, match="more than 100 levels"):
        TaskCompleted(actor=USER, run_id=UUID(int=1), result=nested(DEPTH_LIMIT + 1))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (math.nan, "finite number"),
        (math.inf, "finite number"),
        (2**INTEGER_BITS_LIMIT, "an integer of more than 1024 bits"),
        (-(2**2000), "an integer of more than 1024 bits"),
        ("\ud800", "a lone surrogate is no text"),
        ({"\udfff": 1}, "a lone surrogate is no text"),
        ([{"a": "\ud800"}], "a lone surrogate is no text"),
    ],
)
def test_what_json_cannot_carry_is_refused_where_the_event_is_made(value: Json, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TaskResumed(actor=USER, wait=1, answer=value)
    with pytest.raises(ValidationError, match=why):
        TaskSubmitted(actor=USER, kind="k", payload={"x": value})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" * 5000])
def test_bytes_with_what_is_no_number_are_malformed(number: str) -> None:
    raw = encode(a_task(payload={"x": "here"}).events[0]).replace(b'"here"', number.encode())

    with pytest.raises(MalformedEvent):
        decode(raw)


def test_an_event_beyond_the_limit_is_refused_and_one_at_the_limit_is_not() -> None:
    empty = len(encode(a_task(payload={"x": ""}).events[0]))
    fits = a_task(payload={"x": "x" * (LIMIT_BYTES - empty)}).events[0]
    assert len(encode(fits)) == LIMIT_BYTES

    with pytest.raises(EventTooLarge) as refused:
        encode(a_task(payload={"x": "x" * (LIMIT_BYTES - empty + 1)}).events[0])

    assert refused.value.size_bytes == LIMIT_BYTES + 1
    assert refused.value.limit_bytes == LIMIT_BYTES


def test_times_keep_their_offset() -> None:
    offset = timezone(timedelta(hours=5, minutes=30))
    event = a_task(deadline=datetime(2026, 1, 1, 12, 0, 0, 7, tzinfo=offset)).events[0]

    told = decode(encode(event)).data

    assert isinstance(told, TaskSubmitted)
    assert told.deadline is not None
    assert told.deadline.isoformat() == "2026-01-01T12:00:00.000007+05:30"


def test_times_that_cannot_be_written_exactly_are_refused() -> None:
    odd = START.astimezone(timezone(timedelta(hours=1, seconds=15)))

    with pytest.raises(ValueError, match="give it in UTC"):
        new_event(STARTED.data, id=STARTED.id, subject="t", organization="o", time=odd, source="/x")
    with pytest.raises(ValidationError, match="give it in UTC"):
        CancelRequested(actor=USER, hold_until=odd)


def test_the_root_of_an_event_follows_from_its_subject() -> None:
    with pytest.raises(MalformedEvent, match="isn't the root of subject"):
        decode(changed(STARTED, lambda event: event.update(root="another")))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("specversion", "0.3"),
        ("id", "not-a-uuid"),
        ("id", 7),
        ("source", ""),
        ("source", "two words"),
        ("source", "ends in a line\n"),
        ("subject", "a..b"),
        ("subject", "task\n"),
        ("subject", ".".join("a" * 17)),
        ("time", "2026-01-01T00:00:00"),
        ("time", 0),
        ("time", "yesterday"),
        ("datacontenttype", "text/plain"),
        ("organization", "a/b"),
        ("region", "over there"),
        ("correlationid", "x"),
        ("traceparent", "x" * 101),
        ("data", None),
        ("data", []),
        ("unheardof", 1),
    ],
)
def test_an_attribute_that_is_not_as_it_should_be_makes_an_event_malformed(
    attribute: str, value: object
) -> None:
    raw = changed(STARTED, lambda event: event.update({attribute: value}))

    with pytest.raises(MalformedEvent, match=attribute):
        decode(raw)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attempt", "1"),
        ("attempt", 1.0),
        ("attempt", True),
        ("attempt", 0),
        ("remote", "yes"),
        ("remote", 1),
        ("executor", ""),
        ("run_id", None),
        ("actor", {}),
        ("unheardof", 1),
    ],
)
def test_a_field_that_is_not_as_it_should_be_makes_an_event_malformed(
    field: str, value: object
) -> None:
    raw = changed(STARTED, lambda event: event["data"].update({field: value}))

    with pytest.raises(MalformedEvent, match=field):
        decode(raw)


@pytest.mark.parametrize("attribute", ["id", "source", "subject", "time", "organization", "data"])
def test_an_event_without_what_it_needs_is_malformed(attribute: str) -> None:
    with pytest.raises(MalformedEvent, match=f"{attribute}: Field required"):
        decode(changed(STARTED, lambda event: event.pop(attribute)))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"\x00", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"null", "no type"),
        (b"[]", "no type"),
        (b"7", "no type"),
        (b"{}", "no type"),
        (b'{"type":7}', "no type"),
        (b'{"type":"com.example.thing"}', "isn't Countermand's"),
        (b'{"type":"countermand.task.started.v1"}', "Field required"),
        (b'{"type":"countermand.task.started.v99"}', "Field required"),
    ],
)
def test_bytes_that_are_no_event_are_malformed_with_the_reason(raw: bytes, why: str) -> None:
    with pytest.raises(MalformedEvent, match=why) as refused:
        decode(raw)

    assert why in refused.value.why


def test_a_torn_event_is_malformed_wherever_it_was_torn() -> None:
    raw = encode(STARTED)

    for end in range(len(raw)):
        with pytest.raises(MalformedEvent):
            decode(raw[:end])


def test_a_reason_does_not_grow_with_what_somebody_sent() -> None:
    long = changed(STARTED, lambda event: event["data"].update({"x" * 100_000: 1}))
    with pytest.raises(MalformedEvent) as refused:
        decode(long)
    assert len(refused.value.why) <= 500

    tag = changed(STARTED, lambda event: event.update(type="countermand." + "x" * 100_000))
    with pytest.raises(UnknownVersion) as unknown:
        decode(tag)
    assert len(str(unknown.value)) < 500


@pytest.mark.parametrize("tag", ["countermand.task.started.v2", "countermand.task.napped.v1"])
def test_a_well_formed_event_of_an_unknown_version_says_so(tag: str) -> None:
    with pytest.raises(UnknownVersion, match="upgrade this process") as unknown:
        decode(changed(STARTED, lambda event: event.update(type=tag)))

    assert unknown.value.type_tag == tag


def test_an_unknown_version_may_have_attributes_and_fields_of_its_own() -> None:
    def later(event: JsonDict) -> None:
        event.update(type="countermand.task.started.v2", shard=3, data={"where": "elsewhere"})

    with pytest.raises(UnknownVersion):
        decode(changed(STARTED, later))


def test_an_unknown_tag_around_no_event_is_malformed() -> None:
    def broken(event: JsonDict) -> None:
        event.update(type="countermand.task.started.v2", organization="a/b")

    with pytest.raises(MalformedEvent, match="organization"):
        decode(changed(STARTED, broken))


def test_only_the_watchdog_presumes() -> None:
    with pytest.raises(ValidationError, match="presuming is the watchdog's"):
        RunReleased(actor=USER, run_id=UUID(int=1), evidence=Evidence.PRESUMED)
    with pytest.raises(ValidationError, match="presuming is the watchdog's"):
        TaskCancelled(actor=USER, cancel_id=UUID(int=1), evidence=Evidence.PRESUMED)


def test_a_typing_error_never_becomes_history() -> None:
    with pytest.raises(ValidationError, match="greace_seconds"):
        CancelRequested.model_validate({"actor": USER, "greace_seconds": 3})


def test_events_and_what_is_in_them_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        STARTED.subject = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        STARTED.data.reason = "other"  # type: ignore[misc]


def test_an_event_may_name_what_it_belongs_to() -> None:
    event = new_event(
        STARTED.data,
        id=UUID(int=1),
        subject="t",
        organization="acme",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        source="/gateway/3?x=1",
        region="eu-west-1",
        correlationid=UUID(int=2),
        causationid=UUID(int=3),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )

    assert decode(encode(event)) == event
