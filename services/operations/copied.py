"""Tasks that another region decides, as far as they are known here: by the copy of its history."""

import asyncio
from typing import NamedTuple

from events.errors import CountermandError
from events.words import Status, Verdict
from projections.entry import Entry
from projections.moments import moment
from services.at_hand import Noted, as_row, note
from services.operations.abroad import named
from services.operations.scope import Scope
from services.permissions import Permission
from services.read_models.rows import HistoryLine, Task
from services.refusals import Unavailable
from services.regions.copy import Copy


async def copy_of(scope: Scope, subject: str, *, fresh: bool = False) -> Copy | None:
    """What is known here of something that another region decides; None: nothing."""
    regions = scope.parts.regions
    if regions is None:
        return None
    region = named(scope, await regions.copies.home_of(scope.organization, subject))
    if region is None:
        return None
    if fresh:
        await _caught_up(scope, region)
    return await regions.copies.of(scope.organization, region, subject)


async def _caught_up(scope: Scope, region: str) -> None:
    """Wait until everything is here that the region has said by now."""
    regions = scope.parts.regions
    assert regions is not None
    asked = regions.asked.get(region)
    seconds = regions.settings.fresh_seconds
    if asked is None:
        raise Unavailable(f"region {region!r} can't be asked from here: read without `fresh`")
    try:
        async with asyncio.timeout(seconds):
            end = await asked.end()
    except (CountermandError, TimeoutError) as error:
        why = f"region {region!r} can't be asked now: read without `fresh`"
        raise Unavailable(why) from error
    if not await regions.copies.reached(region, end, seconds):
        raise Unavailable(f"the news of region {region!r} are late: read without `fresh`")


class Abroad(NamedTuple):
    """A task that another region decides, as far as is known here."""

    task: Task
    copy: Copy


async def task(scope: Scope, task_id: str, *, fresh: bool) -> Abroad | None:
    copy = await copy_of(scope, task_id, fresh=fresh)
    state = None if copy is None else copy.root.tasks.get(task_id)
    if copy is None or state is None:
        return None
    noted = Noted(copy.entries[0].record.position)
    for entry in copy.entries:
        if entry.event is None or entry.outcome.verdict is Verdict.VOID:
            continue
        if entry.outcome.verdict is Verdict.NOTED and entry.event.subject == task_id:
            note(noted, entry.event, entry.record.position)
        elif any(each.id == task_id for each in entry.outcome.tasks):
            noted.position = entry.record.position
    return Abroad(as_row(scope.organization, state, noted), copy)


async def lines(
    scope: Scope, task_id: str, *, fresh: bool
) -> tuple[Copy, list[HistoryLine]] | None:
    """What its home region has said about a task, in the order of the log there; None: it is
    decided here, or nobody knows it."""
    parts = scope.parts
    if parts.regions is None:
        return None
    known = parts.verdicts.task(scope.organization, task_id)
    if known is not None and known.status is not Status.MOVED:
        return None
    scope.need(Permission.TASKS_READ)
    row = await scope.view.task(task_id)
    if row is not None and row.status is not Status.MOVED:
        return None
    copy = await copy_of(scope, task_id, fresh=fresh)
    if copy is None or task_id not in copy.root.tasks:
        return None
    return copy, [as_line(each, task_id) for each in copy.entries if is_about(each, task_id)]


def is_about(entry: Entry, task_id: str) -> bool:
    """Said about the task, or about something above it with a consequence for it."""
    if entry.event is not None and entry.event.subject == task_id:
        return True
    return any(task.id == task_id for task in entry.outcome.tasks)


def as_line(entry: Entry, task_id: str) -> HistoryLine:
    outcome = entry.outcome
    changed = next((task for task in outcome.tasks if task.id == task_id), None)
    after = entry.after if changed is None else changed
    return HistoryLine(
        position=entry.record.position,
        appended_at=moment(entry.record.appended_at_us),
        value=entry.record.value,
        event=entry.event,
        verdict=outcome.verdict,
        reason=outcome.reason,
        late_seconds=outcome.late_seconds,
        trouble="",
        about=task_id,
        status=None if after is None else after.status,
    )
