"""Everything that isn't deterministic, handed in by the composition root.

With another `World`, and an event loop whose time is simulated, the same services run under a
clock, ids and randomness from one seed.
"""

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from events.ids import event_id

IDS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class World:
    """The wall clock and the source of ids. What waits uses the event loop's own clock."""

    now: Callable[[], datetime]
    randomness: Callable[[], int]
    """74 random bits at each call."""

    def new_id(self, at: datetime | None = None) -> UUID:
        """`at`: now, for whoever has just looked."""
        return event_id(at or self.now(), self.randomness())


def real_world() -> World:
    return World(now=lambda: datetime.now(UTC), randomness=_Randomness().of_an_id)


class _Randomness:
    """The system's, fetched for many ids at once: a call into the kernel costs more than an id."""

    def __init__(self) -> None:
        self._numbers: Iterator[tuple[int, int]] = iter(())

    def of_an_id(self) -> int:
        number = next(self._numbers, None)
        if number is None:
            self._numbers = struct.iter_unpack("QQ", os.urandom(16 * IDS_AT_ONCE))
            number = next(self._numbers)
        return number[0] << 10 | number[1] >> 54
