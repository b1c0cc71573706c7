"""How a root goes from its home to the region that has asked for it.

The old home's log hands over what it knows to be true, or nothing; the new home's log takes that
over, under an id derived from it.
"""

from datetime import datetime
from uuid import UUID

from events.errors import EventTooLarge
from events.event import LIMIT_BYTES, Event, encode, new_event
from events.ids import derived_id
from events.region_events import RootHandedOver, RootTakenOver
from events.state import Root

MARGIN_BYTES = 1_000
"""By so much, at most, the event that takes over is longer than the one that hands over."""


def filled_in(order: Event, root: Root | None, here: str) -> Event:
    """The order to hand over, with what there is to hand over as far as this region knows.

    Left as it is, it does nothing: of what isn't here, can't be carried, or was asked for by its
    own home.
    """
    body = order.data
    assert isinstance(body, RootHandedOver)
    bare = with_body(order, body.model_copy(update={"move": None, "task": None}))
    task = None if root is None else root.tasks.get(order.subject)
    if root is None or task is None or body.to == here:
        return bare
    known = {"move": root.moves + 1, "task": task.spec}
    filled = with_body(order, body.model_copy(update=known))
    try:
        fits = len(encode(filled)) <= LIMIT_BYTES - MARGIN_BYTES
    except EventTooLarge:
        return bare
    return filled if fits else bare


def with_body(event: Event, body: RootHandedOver) -> Event:
    return event.model_copy(update={"data": body})


def taken_over_id(handed: UUID) -> UUID:
    """Of the event that takes over what this one has handed over."""
    return derived_id("taken over", handed)


def taken_over(handed: Event, former_home: str, here: str, now: datetime) -> Event:
    """What the new home's log says of a root that the old one's has handed over."""
    body = handed.data
    assert isinstance(body, RootHandedOver)
    assert body.task is not None
    assert body.move is not None
    return new_event(
        RootTakenOver(
            actor=body.actor,
            reason=body.reason,
            former_home=former_home,
            move=body.move,
            task=body.task.model_copy(update={"region": here}),
        ),
        id=taken_over_id(handed.id),
        subject=handed.subject,
        organization=handed.organization,
        time=now,
        source=handed.source,
        region=handed.region,
        correlationid=handed.correlationid or handed.id,
        causationid=handed.id,
        traceparent=handed.traceparent,
    )
