"""Requests for another region: where they are to go, and what became of them there.

Nothing is decided here. A request is durable in this region's log before it is answered; what it
did is told by the copy of its home region's history.
"""

import asyncio
from typing import NamedTuple

from events.cancel_events import CancelRequested
from events.event import Event
from events.positions import Position
from events.positions import after as past
from events.project_events import ProjectCancelRequested
from events.region_events import RequestAddressed
from events.words import Origin, Reason, Status, Verdict
from projections.entry import Entry
from projections.moments import moment
from services.operations.forwarding import (
    Arrived,
    follow,
    handed_to,
    sent_on_from_here,
    shown_here,
)
from services.operations.receipts import AtHome, Receipt, after, new_receipt, receipt_of_row
from services.operations.scope import Judged, Scope, Sent, Undecided
from services.read_models.questions import HistoryFilter
from services.refusals import Conflict, Invalid
from services.regions.addressing import Request, addressed, delivered_id, request_of
from services.regions.copy import Copy, line_of
from services.regions.lookout import Lookout

IS_HERE = "its home is this region: leave `region` out"


class Decided(NamedTuple):
    """What is known here of a request that another region decides."""

    sent: Sent
    verdict: Verdict | None
    """None: not decided, as far as is known here."""
    reason: Reason | None
    late_seconds: float | None
    home: AtHome


def named(scope: Scope, region: str | None) -> str | None:
    """The other region that a request names; None: this one, or none at all."""
    regions, here = scope.parts.regions, scope.parts.region
    if region is None or region == here or regions is None:
        return None
    if region not in regions.settings.others:
        return None
    for used in (region, here):
        if not regions.settings.may_use(scope.organization, used):
            raise Invalid("region", f"your organization may not use region {used!r}")
    return region


async def home_of(scope: Scope, subject: str, region: str | None) -> str | None:
    """The other region that decides about this, if it is known: because the request names it, the
    copy has it, or it was sent there before. Ask only about what this region doesn't decide."""
    regions = scope.parts.regions
    if regions is None or region == scope.parts.region:
        return None
    if region is not None:
        other = named(scope, region)
        if other is None:
            raise Invalid("region", f"{region!r} isn't known here: see the setting regions.others")
        return other
    await shown_here(scope, subject)
    copied = await regions.copies.home_of(scope.organization, subject)
    told = copied or await handed_to(scope, subject) or await _sent_to(scope, subject)
    return named(scope, told)


async def moved_to(scope: Scope, subject: str) -> str | None:
    """The region that a root of this one has moved to; None: it is here, or never was."""
    await shown_here(scope, subject)
    task = await scope.view.task(subject)
    if task is None or task.status is not Status.MOVED:
        return None
    return named(scope, await handed_to(scope, subject))


async def _sent_to(scope: Scope, subject: str) -> str | None:
    where = HistoryFilter(task=subject, types=[RequestAddressed.TYPE])
    page = await scope.view.history(where, limit=1, newest_first=True)
    for line in page.rows:
        if line.event is not None and isinstance(line.event.data, RequestAddressed):
            return line.event.data.home
    return None


async def send(
    scope: Scope, home: str, request: Request, subject: str, refused: str = IS_HERE
) -> Sent:
    """Accepted: durable in this region's log, for the bridge to carry."""
    event = scope.event(addressed(request, home), subject)
    judged = await scope.say(event)
    if judged.refused:
        raise Conflict(judged.reason or "void", refused)
    return Sent(event, judged.position, home)


async def forwarded(scope: Scope, judged: Judged) -> Undecided:
    """Said here after its root had moved: durable, and on its way to its new home."""
    event = judged.event
    await scope.parts.reads.reached(
        past({}, [judged.position]), scope.parts.settings.verdict_wait_seconds
    )
    home = await sent_on_from_here(scope, event.id)
    if home is None:
        return Undecided(event.subject)
    return Undecided(event.subject, Sent(event, judged.position, home))


async def cancel(
    scope: Scope,
    home: str,
    request: CancelRequested | ProjectCancelRequested,
    subject: str,
    wait_seconds: float,
) -> Receipt:
    sent = await send(scope, home, request, subject)
    await asyncio.sleep(0)  # What was said leaves before its answer is prepared.
    return await receipt(scope, sent.event, sent.position, wait_seconds)


async def receipt(scope: Scope, event: Event, position: Position, wait_seconds: float) -> Receipt:
    """What is known of a cancel that was accepted here; waits for the end of what is stopped."""
    regions = scope.parts.regions
    body = event.data
    if isinstance(body, RequestAddressed):
        first = accepted_receipt(event, position, body)
    else:
        wanted = past({}, [position])
        await scope.parts.reads.reached(wanted, scope.parts.settings.verdict_wait_seconds)
        home = await sent_on_from_here(scope, event.id)
        first = new_receipt(event, position, None)
        if home is not None:
            first = first._replace(home=AtHome(home, delivered_id(event.id)))
    if regions is None or first.home is None:
        return first
    clock = asyncio.get_running_loop().time
    until = clock() + wait_seconds
    with regions.copies.lookout(scope.organization, first.subject) as lookout:
        while True:
            turn = lookout.turn
            shown = await _as_known(scope, first, first.home, lookout)
            left_seconds = until - clock()
            if is_over(shown) or left_seconds <= 0 or scope.parts.verdicts.closed:
                return shown
            await lookout.moved(turn, left_seconds)


async def _as_known(scope: Scope, first: Receipt, sent_to: AtHome, lookout: Lookout) -> Receipt:
    """The receipt as it is known here now, wherever its root has moved."""
    arrived = await followed(scope, sent_to, lookout)
    at_home = AtHome(arrived.region, arrived.event_id)
    if arrived.copy is not None:
        return as_decided(first._replace(home=at_home), arrived.copy)
    row = await scope.view.receipt(arrived.event_id)
    if row is None:
        return first._replace(home=at_home)
    shown, task = receipt_of_row(row), await scope.view.task(first.subject)
    if task is not None:
        shown = shown._replace(
            status=task.status, evidence=task.evidence, contradicted=task.contradicted
        )
    return shown._replace(
        event_id=first.event_id,
        position=first.position,
        requested_at=first.requested_at,
        home=at_home._replace(position=row.line.position, appended_at=row.line.appended_at),
    )


async def followed(scope: Scope, sent_to: AtHome, lookout: Lookout) -> Arrived:
    return await follow(
        sent_to.region,
        sent_to.event_id,
        here=scope.parts.region,
        copy_of=lookout.of,
        onward=lambda event_id: sent_on_from_here(scope, event_id),
    )


def accepted(sent: Sent) -> Decided:
    """A request as it is answered at once."""
    return Decided(sent, None, None, None, AtHome(sent.home, delivered_id(sent.event.id)))


async def verdict_on(scope: Scope, sent: Sent, wait_seconds: float) -> Decided:
    """What the home region has said about it; waits for that."""
    regions = scope.parts.regions
    assert regions is not None
    first = AtHome(sent.home, delivered_id(sent.event.id))
    clock = asyncio.get_running_loop().time
    until = clock() + wait_seconds
    with regions.copies.lookout(scope.organization, sent.event.subject) as lookout:
        while True:
            turn = lookout.turn
            decided = await _decided(scope, sent, await followed(scope, first, lookout))
            left_seconds = until - clock()
            if decided.verdict or left_seconds <= 0 or scope.parts.verdicts.closed:
                return decided
            await lookout.moved(turn, left_seconds)


async def _decided(scope: Scope, sent: Sent, arrived: Arrived) -> Decided:
    """As far as it is known now."""
    at_home = AtHome(arrived.region, arrived.event_id)
    if arrived.copy is None:
        return await _decided_here(scope, sent, at_home)
    copy, line = arrived.copy, arrived.line
    at_home = at_home._replace(known_at=copy.known_at, news_age_seconds=copy.age_seconds)
    if line is None:
        return Decided(sent, None, None, None, at_home)
    said = line.outcome
    at_home = with_place(at_home, line)
    return Decided(sent, said.verdict, said.reason, said.late_seconds, at_home)


async def _decided_here(scope: Scope, sent: Sent, at_home: AtHome) -> Decided:
    """Of a request that has come back to this region, with its root."""
    row = await scope.view.receipt(at_home.event_id)
    if row is None:
        return Decided(sent, None, None, None, at_home)
    line = row.line
    at_home = at_home._replace(position=line.position, appended_at=line.appended_at)
    return Decided(sent, line.verdict, line.reason, line.late_seconds, at_home)


def with_place(at_home: AtHome, line: Entry) -> AtHome:
    """With where and when it arrived."""
    return at_home._replace(
        position=line.record.position,
        delivered_at=line.event.time if line.event is not None else None,
        appended_at=moment(line.record.appended_at_us),
    )


def is_over(receipt: Receipt) -> bool:
    """Nothing more will become of it by waiting."""
    undone = receipt.verdict is Verdict.VOID and receipt.reason is not Reason.ALREADY_CANCELLING
    return receipt.ended or undone or receipt.held_until is not None


def accepted_receipt(event: Event, position: Position, body: RequestAddressed) -> Receipt:
    """Accepted here, not yet decided."""
    request = request_of(body)
    assert isinstance(request, CancelRequested | ProjectCancelRequested)
    return Receipt(
        event_id=event.id,
        subject=event.subject,
        position=position,
        verdict=None,
        reason=None,
        late_seconds=None,
        actor=body.actor,
        why=body.reason,
        mode=request.mode,
        grace_seconds=request.grace_seconds,
        origin=request.origin if isinstance(request, CancelRequested) else Origin.REQUEST,
        requested_at=event.time,
        home=AtHome(body.home, delivered_id(event.id)),
    )


def as_decided(first: Receipt, copy: Copy) -> Receipt:
    """The receipt with what its home region has said, if it has."""
    at_home = first.home
    assert at_home is not None
    at_home = at_home._replace(known_at=copy.known_at, news_age_seconds=copy.age_seconds)
    line = line_of(copy, at_home.event_id)
    if line is None or line.event is None:
        return first._replace(home=at_home)
    decided = after(new_receipt(line.event, line.record.position, line.outcome), copy.entries)
    task = copy.root.tasks.get(first.subject)
    if task is not None:
        decided = decided._replace(
            status=task.status,
            evidence=task.evidence,
            contradicted=task.contradicted,
            stopped_at=task.finished_at if task.cancel is not None else None,
            held_until=None,
        )
    return decided._replace(
        event_id=first.event_id,
        position=first.position,
        requested_at=first.requested_at,
        home=with_place(at_home, line),
    )
