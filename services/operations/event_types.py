"""The types of events that somebody may ask for."""

from collections.abc import Collection

from events.vocabulary import HISTORY_BODIES
from services.refusals import Invalid

TYPES = frozenset(body.TYPE for body in HISTORY_BODIES)


def check_types(types: Collection[str] | None, field: str) -> None:
    """A type that no event has would be answered with nothing, as if nothing had happened."""
    unknown = sorted(set(types or ()) - TYPES)
    if unknown:
        raise Invalid(field, f"{unknown[0][:80]!r} is none of {', '.join(sorted(TYPES))}")
