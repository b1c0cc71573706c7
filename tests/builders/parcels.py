"""What another region sends: lines of its history."""

from events.event import Event, encode
from events.words import Verdict
from services.regions.parcels import Line


def line(event: Event, offset: int, verdict: Verdict = Verdict.NOTED) -> Line:
    """As another region says it."""
    return Line(
        partition=0,
        offset=offset,
        appended_at_us=0,
        verdict=verdict,
        type=event.type,
        organization=event.organization,
        root=event.root,
        event_id=event.id.hex,
        value=encode(event).decode(),
    )
