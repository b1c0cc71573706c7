"""What a parcel makes this region's own log say: requests for it, and roots that move here."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from events.event import decode
from events.ids import log_key
from events.log import Message, message
from events.region_events import RequestAddressed, RootHandedOver
from events.state import Root
from events.words import Reason, Verdict
from services.regions.addressing import FORWARDED
from services.regions.delivering import NotAsItSays, addressed_to, sent_on
from services.regions.moves import filled_in, taken_over
from services.regions.parcels import Line

HandedTo: TypeAlias = Callable[[str, Line], Awaitable[str | None]]


class Arrivals:
    """Of one parcel. Look at its new lines in their order."""

    def __init__(
        self,
        here: str,
        source: str,
        root: Callable[[str, str], Root | None],
        handed_to: HandedTo,
        now: datetime,
    ) -> None:
        """`root`: as this region knows it. `handed_to`: to whom the source had handed a line's root
        over by then, as far as earlier parcels tell."""
        self.roots: list[Message] = []
        self.requests: list[Message] = []
        self._here = here
        self._source = source
        self._root = root
        self._earlier_handed_to = handed_to
        self._handed_to: dict[tuple[str, str], str] = {}
        """By organization and root, in this parcel."""
        self._now = now

    async def look_at(self, line: Line) -> None:
        if line.type == RequestAddressed.TYPE:
            # What is void was refused there, and whoever asked was told so.
            if line.verdict != Verdict.VOID:
                self._deliver(addressed_to(self._here, line, self._now))
        elif line.type == RootHandedOver.TYPE and line.verdict == Verdict.EFFECTIVE:
            self._take_over(line)
        elif line.reason == Reason.MOVED and line.type in FORWARDED:
            await self._forward(line)

    def _take_over(self, line: Line) -> None:
        event = decode(line.value.encode())
        if (event.type, event.key) != (line.type, log_key(line.organization, line.root)):
            raise NotAsItSays(line)
        assert isinstance(event.data, RootHandedOver)
        self._handed_to[line.organization, line.root] = event.data.to
        if event.data.to == self._here:
            self.roots.append(message(taken_over(event, self._source, self._here, self._now)))

    async def _forward(self, line: Line) -> None:
        """What its old home was asked after a root had moved here is asked here."""
        to = self._handed_to.get((line.organization, line.root))
        if to is None:
            to = await self._earlier_handed_to(self._source, line)
        if to == self._here:
            self._deliver(sent_on(line, self._now))

    def _deliver(self, request: Message | None) -> None:
        if request is None:
            return
        event = request.event
        if event is not None and isinstance(event.data, RootHandedOver):
            root = self._root(event.organization, event.subject)
            request = message(filled_in(event, root, self._here))
        self.requests.append(request)


def in_waves(messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
    """What may be appended together: of one root one event at most, and in order. Of an append that
    fails any part may be lost, and a child isn't to come before its parent."""
    waves: list[list[Message]] = []
    before: Counter[str] = Counter()
    for each in messages:
        number = before[each.key]
        before[each.key] += 1
        if number == len(waves):
            waves.append([])
        waves[number].append(each)
    return waves
