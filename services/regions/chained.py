"""Whether a copy of a topic has everything, once, that was in the topic.

Each event names the one that its producer stored, or found, there before it
(`services.kafka_log.chain`).
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from events.errors import CountermandError
from events.positions import Position, written_position
from projections.entry import Entry
from services.kafka_log.chain import BEFORE_HEADER

REMEMBERED = 100_000
"""Events. Those before them are looked up in the copy."""

log = structlog.get_logger(__name__)


class Gap(CountermandError):
    """Something that was said in a region isn't in the copy of its topic."""

    def __init__(self, region: str, position: Position, before: str) -> None:
        super().__init__(
            f"the copy of {region!r} has a gap: at {written_position(position)} event {before} is "
            "missing. Have its topic copied anew from the beginning, into an empty topic; then "
            f"`countermand regions forget {region}`. Until then nothing more is taken from it"
        )


class Chained:
    """Of one region. Hears every header, and checks what was judged, in order."""

    def __init__(self, region: str, known: Callable[[str, str], Awaitable[bool]]) -> None:
        """`known`: whether an event of a region was copied here before."""
        self._region = region
        self._known = known
        self._before: dict[Position, str] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.repeats = 0
        """Events that stood in the copy once more."""

    def look(self, position: Position, headers: Mapping[str, bytes]) -> None:
        before = headers.get(BEFORE_HEADER)
        if before is not None:
            self._before[position] = before.decode("ascii", "replace")

    def begin(self) -> None:
        """It is read anew, from somewhere."""
        self._before.clear()
        self._seen.clear()

    async def check(self, entries: Sequence[Entry]) -> None:
        """Raises `Gap`."""
        repeats = self.repeats
        for entry in entries:
            position = entry.record.position
            before = self._before.pop(position, None)
            if before is not None and not await self._has(before):
                raise Gap(self._region, position, before)
            if entry.event is not None:
                self._see(entry.event.id.hex)
        if self.repeats > repeats:
            log.warning(
                "a copy says things twice", region=self._region, events=self.repeats - repeats
            )

    async def _has(self, event_id: str) -> bool:
        return event_id in self._seen or await self._known(self._region, event_id)

    def _see(self, event_id: str) -> None:
        if event_id in self._seen:
            self.repeats += 1
        self._seen[event_id] = None
        self._seen.move_to_end(event_id)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
