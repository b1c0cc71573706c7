"""Where a request has come to: from region to region, after its root's moves."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from events.ids import log_key, root_of
from events.positions import Position, after
from events.region_events import RootHandedOver
from events.words import Reason, Verdict
from projections.entry import Entry
from services.operations.certainty import why_not
from services.operations.scope import Scope
from services.read_models.questions import HistoryFilter
from services.regions.addressing import delivered_id
from services.regions.copy import Copy, line_of

MOVES_FOLLOWED = 100
"""Of one request. A root that moves on faster than its requests is asked where it is now."""


class Arrived(NamedTuple):
    """Where a request is, as far as is known here."""

    region: str
    event_id: UUID
    """Of the request in that region's log."""
    copy: Copy | None
    """None: it has come to this region."""
    line: Entry | None


async def follow(
    region: str,
    event_id: UUID,
    *,
    here: str,
    copy_of: Callable[[str], Awaitable[Copy]],
    onward: Callable[[UUID], Awaitable[str | None]],
) -> Arrived:
    """`onward`: where this region's log sends the request of this id, if it doesn't decide it."""
    arrived = Arrived(region, event_id, None, None)
    for _ in range(MOVES_FOLLOWED):
        if region == here:
            arrived, to = Arrived(region, event_id, None, None), await onward(event_id)
        else:
            copy = await copy_of(region)
            line = line_of(copy, event_id)
            arrived = Arrived(region, event_id, copy, line)
            to = None if line is None else sent_on(copy.entries, line)
        if to is None:
            break
        region, event_id = to, delivered_id(event_id)
    return arrived


def sent_on(entries: Sequence[Entry], line: Entry) -> str | None:
    """The region that the root had been handed over to, if this request came too late for that."""
    if line.outcome.reason is not Reason.MOVED:
        return None
    to = None
    for entry in entries:
        if entry.record.position >= line.record.position:
            break
        body = entry.event and entry.event.data
        if isinstance(body, RootHandedOver) and entry.outcome.verdict is Verdict.EFFECTIVE:
            to = body.to
    return to


async def sent_on_from_here(scope: Scope, event_id: UUID) -> str | None:
    """The same of a request in this region's log."""
    row = await scope.view.receipt(event_id)
    if row is None or row.line.event is None or row.line.reason is not Reason.MOVED:
        return None
    return await handed_to(scope, row.line.event.subject, row.line.position)


async def shown_here(scope: Scope, subject: str) -> None:
    """Wait until the read models have what this process has heard of a root: one that has just
    moved away is still shown as if it were here."""
    latest = scope.parts.verdicts.latest(log_key(scope.organization, root_of(subject)))
    if latest is None:
        return
    seconds = scope.parts.settings.read_wait_seconds
    wanted = after({}, [latest])
    if not await scope.parts.reads.reached(wanted, seconds):
        raise why_not(scope, wanted)


async def handed_to(scope: Scope, subject: str, before: Position | None = None) -> str | None:
    """The region that this one has handed a root over to; last, or before a position."""
    where = HistoryFilter(task=subject, types=[RootHandedOver.TYPE])
    cursor: str | None = None
    while True:
        page = await scope.view.history(where, cursor=cursor, limit=100, newest_first=True)
        for line in page.rows:
            effective = line.verdict is Verdict.EFFECTIVE
            if effective and (before is None or line.position < before) and line.event is not None:
                assert isinstance(line.event.data, RootHandedOver)
                return line.event.data.to
        cursor = page.next_cursor
        if cursor is None:
            return None
