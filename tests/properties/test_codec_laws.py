"""Laws of the codec, for whatever events and bytes there may be."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import MalformedEvent, UnknownVersion
from events.event import Event, decode, encode
from events.vocabulary import HISTORY_BODIES, OUTPUT_BODIES
from tests.proof_size import count
from tests.properties.any_event import FIELDS, any_event
from tests.unit.test_schemas import validator

EXAMPLES = count(small=40, full=1_000)


def test_every_field_of_every_event_is_made() -> None:
    wanted = {name for body in (*HISTORY_BODIES, *OUTPUT_BODIES) for name in body.model_fields}

    assert wanted == set(FIELDS), "say in any_event.py what the new field takes"


@pytest.mark.prove
@settings(max_examples=EXAMPLES)
@given(any_event)
def test_what_is_encoded_is_decoded_the_same(event: Event) -> None:
    raw = encode(event)

    assert decode(raw) == event
    assert encode(decode(raw)) == raw


@pytest.mark.prove
@settings(max_examples=EXAMPLES)
@given(any_event)
def test_what_is_encoded_is_valid_by_its_schema(event: Event) -> None:
    validator(event.type).validate(json.loads(encode(event)))


@pytest.mark.prove
@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_that_are_nothing_raise_nothing_unforeseen(raw: bytes) -> None:
    with pytest.raises((MalformedEvent, UnknownVersion)):
        decode(raw)


@pytest.mark.prove
@settings(max_examples=EXAMPLES)
@given(any_event, st.data())
def test_an_event_with_a_few_bytes_changed_is_read_or_refused(
    event: Event, data: st.DataObject
) -> None:
    raw = bytearray(encode(event))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))

    try:
        read = decode(bytes(raw))
    except (MalformedEvent, UnknownVersion):
        return

    assert decode(encode(read)) == read
