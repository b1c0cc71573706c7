"""Events that were asked for lately, by their bytes, which never change.

Decoding costs more than the look-up that brings the bytes, and the same tasks are asked for again
and again.
"""

from functools import lru_cache

from events.event import Event, decode

EVENTS = 2_000
LIMIT_BYTES = 4_000
"""Larger ones are decoded each time, so that what is held stays small."""

_decoded = lru_cache(EVENTS)(decode)


def remembered(value: bytes) -> Event:
    """The event in these bytes."""
    return _decoded(value) if len(value) <= LIMIT_BYTES else decode(value)
