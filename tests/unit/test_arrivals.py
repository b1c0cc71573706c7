"""What a parcel makes a region's own log say."""

import asyncio

from events.cancel_events import CancelRequested
from events.event import Event, encode
from events.log import message
from events.project_events import ProjectCreated
from events.task_events import TaskSubmitted
from events.words import Verdict
from services.regions.addressing import addressed, delivered_id
from services.regions.arrivals import Arrivals, in_waves
from services.regions.parcels import Line
from tests.builders import nothing_yet
from tests.builders.actors import START, USER
from tests.builders.parcels import line


def arrived_in_a(*lines: Line) -> Arrivals:
    async def nobody(region: str, line: Line) -> None:
        return None

    arrivals = Arrivals("a", "b", lambda organization, subject: None, nobody, START)

    async def look() -> None:
        for each in lines:
            await arrivals.look_at(each)

    asyncio.run(look())
    return arrivals


def an_order(home: str = "a") -> Event:
    return nothing_yet().addressed(CancelRequested(actor=USER), home=home).events[-1]


def test_a_request_for_this_region_is_said_here_under_a_derived_id() -> None:
    order = an_order()

    (request,) = arrived_in_a(line(order, 0)).requests

    arrived = request.event
    assert arrived is not None
    assert (arrived.id, arrived.causationid) == (delivered_id(order.id), order.id)
    assert isinstance(arrived.data, CancelRequested)
    assert (request.key, request.value) == (order.key, encode(arrived))


def test_what_was_refused_where_it_was_asked_is_not_done_here() -> None:
    assert arrived_in_a(line(an_order(), 0, Verdict.VOID)).requests == []


def test_what_is_for_others_is_left_to_them() -> None:
    assert arrived_in_a(line(an_order("mars"), 0)).requests == []


def test_of_one_root_nothing_is_appended_together_with_what_came_before_it() -> None:
    """Of an append that fails any part may be lost: a child would come before its parent."""
    project = addressed(ProjectCreated(actor=USER), "a")
    one = nothing_yet("one").addressed(ProjectCreated(actor=USER), home="a").events[-1]
    assert one.data == project
    part = nothing_yet("one.part").addressed(TaskSubmitted(actor=USER, kind="k")).events[-1]
    last = nothing_yet("one.part").addressed(CancelRequested(actor=USER)).events[-1]
    other = nothing_yet("other").addressed(CancelRequested(actor=USER)).events[-1]

    waves = in_waves([message(event) for event in (one, part, other, last)])

    assert [[each.event.subject for each in wave if each.event] for wave in waves] == [
        ["one", "other"],
        ["one.part"],
        ["one.part"],
    ]
    assert [each.event for wave in waves for each in wave] == [one, other, part, last]
