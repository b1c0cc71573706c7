"""Whatever request one region accepts, another one's log takes just that, in canonical bytes."""

import pytest
from hypothesis import given, settings

from events.cancel_events import CancelRequested
from events.event import Event, decode, encode, new_event
from services.regions.addressing import REQUESTS, Request, addressed, delivered_id
from services.regions.delivering import addressed_to, sent_on
from tests.builders.actors import START
from tests.builders.parcels import line
from tests.proof_size import count
from tests.properties.any_event import any_event_of

CHANGED = {"id", "type", "time", "correlationid", "causationid", "data"}
TOLD = {"hold_until", "accepted_at", "delivered_at"}
"""Of a cancel: what its way changes."""


def name(body: type[Request]) -> str:
    return body.__name__


def as_accepted(said: Event, request: Request, home: str) -> Event:
    """By the region that it was said in."""
    return new_event(
        addressed(request, home),
        id=said.id,
        subject=said.subject,
        organization=said.organization,
        time=said.time,
        source=said.source,
        region=said.region,
        correlationid=said.correlationid,
        causationid=said.causationid,
        traceparent=said.traceparent,
    )


@pytest.mark.parametrize("body", REQUESTS.values(), ids=name)
def test_what_was_accepted_is_what_is_delivered(body: type[Request]) -> None:
    @settings(max_examples=count(small=5, full=100))
    @given(any_event_of(body))
    def law(said: Event) -> None:
        assert isinstance(said.data, Request)
        accepted = as_accepted(said, said.data, "a")

        for arrived in (
            addressed_to("a", line(accepted, 0), START),
            sent_on(line(said, 0), START),
        ):
            assert arrived is not None
            event = arrived.event
            assert event is not None
            assert event == decode(arrived.value)
            assert encode(event) == arrived.value
            assert event.model_dump(exclude=CHANGED) == said.model_dump(exclude=CHANGED)
            assert event.data.model_dump(exclude=TOLD) == said.data.model_dump(exclude=TOLD)
            assert (event.id, event.causationid) == (delivered_id(said.id), said.id)
            assert event.correlationid == (said.correlationid or said.id)
            assert event.time == START
            if isinstance(event.data, CancelRequested):
                assert isinstance(said.data, CancelRequested)
                assert event.data.accepted_at == (said.data.accepted_at or said.time)

    law()


@pytest.mark.parametrize("body", REQUESTS.values(), ids=name)
def test_what_is_for_others_is_left_to_them(body: type[Request]) -> None:
    @settings(max_examples=1)
    @given(any_event_of(body))
    def law(said: Event) -> None:
        assert isinstance(said.data, Request)
        accepted = as_accepted(said, said.data, "mars")

        assert addressed_to("a", line(accepted, 0), START) is None

    law()
