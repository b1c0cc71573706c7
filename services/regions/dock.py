"""Where parcels leave this region and come in: what a bridge calls, here or over HTTP.

Leaving, a parcel has what its target may know. Coming in, its requests are appended before it is
noted how far it went, so that nothing that was accepted elsewhere is lost; what comes twice has the
id that it had, and the fold makes it void. Of one root nothing is appended before what came ahead
of it is durable, so that its order stays the same whatever an append loses.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Protocol

from events.event import decode
from events.log import Log, Message
from events.positions import (
    Frontier,
    Position,
    reaches,
    read_frontier,
    written_frontier,
)
from events.region_events import RequestAddressed
from projections.moments import moment, us
from services.control_store import region_news
from services.control_store.region_news import AnotherLog, CopiedLine, News, TakenMeanwhile
from services.own_words import OwnWords
from services.read_models.every_line import AnyLine
from services.refusals import Conflict, Invalid
from services.regions.arrivals import Arrivals, in_waves
from services.regions.copies import Copies
from services.regions.parcels import Line, Parcel, as_line
from services.regions.recent import Recent
from services.regions.settings import RegionSettings
from services.verdicts import Verdicts
from services.world import World

READ_ANOTHER_WAY = "read_another_way"
GAP, TAKEN_MEANWHILE = "gap", "taken_meanwhile"
CARRIED_ELSEWISE = frozenset({GAP, TAKEN_MEANWHILE})
"""Why a parcel isn't taken when another bridge was quicker, or an answer was lost: ask how far that
went."""

LINES_AT_ONCE = 250
"""Before others have their turn: ten milliseconds or so. With fewer, what is judged meanwhile would
take most of the time."""


class Lines(Protocol):
    """What a dock asks of the read models."""

    def frontier(self) -> Frontier: ...

    async def reached(self, frontier: Frontier, timeout_seconds: float) -> bool: ...

    async def lines(self, start: Frontier, end: Frontier, limit: int) -> Sequence[AnyLine]: ...


class Dock:
    """This region's. For one event loop."""

    def __init__(
        self,
        region: str,
        *,
        log: Log,
        words: OwnWords,
        reads: Lines,
        verdicts: Verdicts,
        copies: Copies,
        settings: RegionSettings,
        world: World,
        read_wait_seconds: float,
    ) -> None:
        self.region = region
        self._log = log
        self._words = words
        self._reads = reads
        self._verdicts = verdicts
        self._copies = copies
        self._settings = settings
        self._world = world
        self._read_wait_seconds = read_wait_seconds
        self.recent = Recent()
        """A listener of the ledger, like `verdicts`."""
        verdicts.at_close(self.recent.wake)

    # ---- leaving

    async def end(self) -> Frontier:
        """How far this region's log reaches."""
        return await self._log.end()

    async def parcels(
        self, target: str, start: Frontier, wait_seconds: float
    ) -> AsyncGenerator[Parcel, None]:
        """One behind the other, as there is something in it or the wait is over; they end with
        this process."""
        while not self._verdicts.closed:
            parcel = await self.parcel(target, start, wait_seconds)
            yield parcel
            start = frontier_of(parcel.end, "end")

    async def parcel(self, target: str, start: Frontier, wait_seconds: float) -> Parcel:
        """What the target may know from there on; empty when the wait is over."""
        await self._until_beyond(start, wait_seconds)
        read_at, end, rows = await self._rows_from(start)
        lines: list[Line] = []
        fitting, size_bytes = len(rows), 0
        for number, row in enumerate(rows):
            if size_bytes + len(row.value) > self._settings.parcel_limit_bytes and lines:
                fitting = number
                break
            if self._may_leave(row, target):
                size_bytes += len(row.value)
                lines.append(as_line(row))
        if fitting < len(rows) or fitting == self._settings.parcel_lines:
            last = rows[fitting - 1]
            end, read_at = up_to(start, end, last.position), moment(last.appended_us)
        return Parcel(
            source=self.region,
            start=written_frontier(start),
            end=written_frontier(end),
            read_at=read_at,
            lines=tuple(lines),
        )

    def _may_leave(self, row: AnyLine, target: str) -> bool:
        """Whatever belongs to an organization that may use the target, but for orders to others."""
        if row.organization is None or not self._settings.may_use(row.organization, target):
            return False
        if row.type != RequestAddressed.TYPE:
            return True
        if row.home is not None:
            return row.home == target
        body = decode(row.value).data
        return isinstance(body, RequestAddressed) and body.home == target

    async def _rows_from(self, start: Frontier) -> tuple[datetime, Frontier, Sequence[AnyLine]]:
        """What is at hand; of what is too long ago, what the read models have."""
        limit, read_at = self._settings.parcel_lines, self._world.now()
        end = dict(self.recent.frontier)
        at_hand = self.recent.lines(start, limit)
        if at_hand is not None:
            return read_at, end, at_hand
        await self._reads.reached(end, self._read_wait_seconds)
        shown = self._reads.frontier()
        return read_at, shown, await self._reads.lines(start, shown, limit)

    async def _until_beyond(self, start: Frontier, wait_seconds: float) -> None:
        try:
            async with asyncio.timeout(wait_seconds):
                while True:
                    turn = self.recent.turn
                    if not reaches(start, self.recent.frontier) or self._verdicts.closed:
                        return
                    await turn.wait()
        except TimeoutError:
            return

    # ---- coming in

    async def taken(self, source: str) -> Frontier:
        """How far what that region sent was taken."""
        self._known(source)
        return await self._copies.frontier(source)

    async def take(self, parcel: Parcel) -> None:
        """Durable when it returns: its requests are in the log, its lines in the copy."""
        source = parcel.source
        self._known(source)
        self._check_way(parcel)
        start, end = frontier_of(parcel.start, "start"), frontier_of(parcel.end, "end")
        known = await self._copies.frontier_before(source, start)
        if not reaches(known, start):
            raise Conflict(GAP, f"{source!r} was taken up to {written_frontier(known)} only")
        now = self._world.now()
        arrivals = Arrivals(self.region, source, self._verdicts.root, self._copies.handed_to, now)
        copied: list[CopiedLine] = []
        before: list[Line] = []
        for number, line in enumerate(parcel.lines, 1):
            if number % LINES_AT_ONCE == 0:
                await asyncio.sleep(0)
            self._check_residency(line.organization, source)
            if not self._is_new(line, known):
                before.append(line)
                continue
            await arrivals.look_at(line)
            if parcel.whole or line.type != RequestAddressed.TYPE:
                copied.append(copied_line(line))
        await self._same_as_before(source, before)
        # What follows a root that has moved here finds it here.
        for wave in in_waves(arrivals.roots + arrivals.requests):
            await self._append(wave)
        await others_first()
        await self._keep(parcel, copied, known, end, now)

    def _check_way(self, parcel: Parcel) -> None:
        """What is read from a log has everything; what gateways send hasn't, and counts otherwise
        than a copy of the log."""
        if parcel.whole != (self._settings.others[parcel.source].log is not None):
            way = self._settings.others[parcel.source].way
            raise Conflict(
                READ_ANOTHER_WAY,
                f"region {parcel.source!r} is read from {way} here, and this came another way: "
                "stop the bridge that carries it, or have this region's gateways and bridges "
                f"set alike (regions.others.{parcel.source})",
            )

    def _check_residency(self, organization: str, source: str) -> None:
        """What comes may be there and here, by the settings of both sides."""
        for region in (source, self.region):
            if not self._settings.may_use(organization, region):
                raise Conflict(
                    "organization_elsewhere",
                    f"organization {organization!r} may not use region {region!r}: the setting "
                    f"regions.organizations isn't the same in {source!r} and {self.region!r}",
                )

    def _is_new(self, line: Line, known: Frontier) -> bool:
        return line.offset >= known.get(line.partition, 0)

    async def _same_as_before(self, source: str, lines: Sequence[Line]) -> None:
        known = await self._copies.event_ids(source, [line.position for line in lines])
        for line in lines:
            if known.get(line.position, line.event_id) != line.event_id:
                raise AnotherLog(source, line.position)

    async def _append(self, messages: Sequence[Message]) -> None:
        for each in messages:
            self._words.note(each)
        positions = await self._log.append(messages)
        events = [each.event for each in messages if each.event is not None]
        self._verdicts.appended(events, positions)

    async def _keep(
        self,
        parcel: Parcel,
        copied: Sequence[CopiedLine],
        known: Frontier,
        end: Frontier,
        now: datetime,
    ) -> None:
        reached = {p: max(known.get(p, 0), end.get(p, 0)) for p in {**known, **end}}
        way = region_news.in_cluster(self._settings.others[parcel.source].way, parcel.cluster)
        news = News(parcel.source, reached, us(parcel.read_at), us(now), way)
        try:
            await self._copies.keep(news, copied, known)
        except TakenMeanwhile as error:
            raise Conflict(TAKEN_MEANWHILE, str(error)) from error

    def _known(self, source: str) -> None:
        if source == self.region or source not in self._settings.others:
            raise Invalid("region", f"{source!r} isn't one of the setting regions.others here")


async def others_first() -> None:
    """Durable requests are judged, and their verdicts leave, before anybody hears that the parcel
    was taken: callers wait for the one, and only the next parcel for the other."""
    for _ in ("judged", "left"):
        await asyncio.sleep(0)


def up_to(start: Frontier, end: Frontier, last: Position) -> dict[int, int]:
    """How far was read with this one as the last, one partition after the other."""
    partition, offset = last
    reached = {p: o for p, o in end.items() if p < partition}
    later = {p: o for p, o in start.items() if p > partition}
    return {**reached, partition: offset + 1, **later}


def copied_line(line: Line) -> CopiedLine:
    return CopiedLine(
        position=line.position,
        organization=line.organization,
        root=line.root,
        event_id=line.event_id,
        verdict=line.verdict,
        reason=line.reason,
        appended_at_us=line.appended_at_us,
        value=line.value.encode(),
    )


def frontier_of(text: str, name: str) -> dict[int, int]:
    try:
        return read_frontier(text)
    except ValueError as error:
        raise Invalid(name, str(error)) from error
