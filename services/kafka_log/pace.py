"""How often a follower asks the brokers: at once while little comes, in step while much does.

An answer costs its reader and the broker nearly the same, whether one record is in it or fifty.
Under load most answers would hold one or two; with a moment between them they hold more, and the
processors have time for what is in them. A single cancel is a handful of answers, and none of them
waits.
"""

ANSWERS_AT_ONCE = 30
"""So many come without a pause."""
ANSWERS_PER_SECOND = 200
"""Behind them, or of an unbroken stream."""


class Pace:
    """Of one follower, by any clock that only goes forward."""

    def __init__(self, now: float) -> None:
        self._free_at = now
        """When all that was taken at once is made up for."""

    def answered(self, now: float) -> float:
        """An answer came: until when to ask for nothing; 0 when the next may come at once."""
        self._free_at = max(self._free_at, now) + 1 / ANSWERS_PER_SECOND
        again_at = self._free_at - ANSWERS_AT_ONCE / ANSWERS_PER_SECOND
        return again_at if again_at > now else 0.0
