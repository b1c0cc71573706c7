"""What this process has just said: nobody needs to decode his own words.

Whoever appends an event notes its bytes here, and the ledger takes the event back when these very
bytes come from the log. An event that came by the bytes of another process isn't here, and is
decoded. Holds only what is on its way.
"""

from events.event import Event
from events.log import Message, message

ON_THE_WAY_LIMIT = 10_000
"""Events. A repeated append, or one that was lost, leaves its event behind until others push it
out."""
SMALL_BYTES = 10_000
"""A larger one is decoded: what may be held is bounded in bytes, too."""


class OwnWords:
    """One object a process, shared by all who append and the ledger."""

    def __init__(self) -> None:
        self._events: dict[bytes, Event] = {}

    def message(self, event: Event) -> Message:
        """The event as the log takes it."""
        said = message(event)
        self.note(said)
        return said

    def note(self, said: Message) -> None:
        """It is about to be appended."""
        event = said.event
        if event is None or len(said.value) > SMALL_BYTES:
            return
        events = self._events
        if len(events) >= ON_THE_WAY_LIMIT:
            del events[next(iter(events))]
        events[said.value] = event

    def heard(self, value: bytes) -> Event | None:
        """The event of these bytes, if they were said here and haven't been heard yet."""
        return self._events.pop(value, None)
