"""Everything that isn't deterministic, handed in by the composition root.

With another `World`, and an event loop whose time is simulated, the same services run under a
clock, ids and randomness from one seed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from events.ids import event_id


@dataclass(frozen=True, slots=True)
class World:
    """The wall clock and the source of ids. What waits uses the event loop's own clock."""

    now: Callable[[], datetime]
    randomness: Callable[[], int]
    """74 random bits at each call."""

    def new_id(self) -> UUID:
        return event_id(self.now(), self.randomness())


def real_world() -> World:
    source = random.SystemRandom()
    return World(now=lambda: datetime.now(UTC), randomness=lambda: source.getrandbits(74))
