"""What a parcel makes this region's own log say: requests for it, and roots that move here."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from events.event import Event, decode
from events.region_events import RequestAddressed, RootHandedOver
from events.state import Root
from events.words import Reason, Verdict
from services.refusals import Invalid
from services.regions.addressing import FORWARDED, Request, delivered, request_of
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
        self.roots: list[Event] = []
        self.requests: list[Event] = []
        self._here = here
        self._source = source
        self._root = root
        self._earlier_handed_to = handed_to
        self._handed_to: dict[tuple[str, str], str] = {}
        """By organization and root, in this parcel."""
        self._now = now

    async def look_at(self, line: Line) -> None:
        if line.type == RequestAddressed.TYPE:
            event = event_of(line)
            body = event.data
            # What is void was refused there, and whoever asked was told so.
            accepted = line.verdict != Verdict.VOID
            if isinstance(body, RequestAddressed) and body.home == self._here and accepted:
                self._deliver(event, request_of(body))
        elif line.type == RootHandedOver.TYPE and line.verdict == Verdict.EFFECTIVE:
            self._take_over(line)
        elif line.reason == Reason.MOVED and line.type in FORWARDED:
            await self._forward(line)

    def _take_over(self, line: Line) -> None:
        event = event_of(line)
        assert isinstance(event.data, RootHandedOver)
        self._handed_to[line.organization, line.root] = event.data.to
        if event.data.to == self._here:
            self.roots.append(taken_over(event, self._source, self._here, self._now))

    async def _forward(self, line: Line) -> None:
        """What its old home was asked after a root had moved here is asked here."""
        to = self._handed_to.get((line.organization, line.root))
        if to is None:
            to = await self._earlier_handed_to(self._source, line)
        if to == self._here:
            event = event_of(line)
            assert isinstance(event.data, Request)
            self._deliver(event, event.data)

    def _deliver(self, event: Event, request: Request) -> None:
        arrived = delivered(event, request, self._now)
        if isinstance(request, RootHandedOver):
            root = self._root(event.organization, event.subject)
            arrived = filled_in(arrived, root, self._here)
        self.requests.append(arrived)


def in_waves(events: Sequence[Event]) -> Iterable[Sequence[Event]]:
    """What may be appended together: of one root one event at most, and in order. Of an append that
    fails any part may be lost, and a child isn't to come before its parent."""
    waves: list[list[Event]] = []
    before: Counter[str] = Counter()
    for event in events:
        number = before[event.key]
        before[event.key] += 1
        if number == len(waves):
            waves.append([])
        waves[number].append(event)
    return waves


def event_of(line: Line) -> Event:
    event = decode(line.value.encode())
    said = (event.type, event.organization, event.root)
    if said != (line.type, line.organization, line.root):
        raise Invalid("lines", f"{line.partition}:{line.offset} isn't what it says it is")
    return event
