"""What is said from some point on, as it is said: for streams of every kind.

History and output are two streams of the log; a cursor names a point in both. First comes what
the read models have, then what this process hears; nothing is left out between them.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

from events.errors import LogUnavailable
from events.ids import root_of
from events.positions import BEGINNING, Frontier, covers, reaches, read_frontier, written_frontier
from events.words import ProjectStatus, Status
from projections.entry import Entry
from services.operations import looking
from services.operations.certainty import end_within
from services.operations.scope import Scope
from services.outputs import OutputRecord, Outputs
from services.permissions import Permission
from services.read_models.errors import ReadModelsUnavailable
from services.read_models.questions import HistoryFilter
from services.read_models.rows import HistoryLine
from services.refusals import Invalid

PAGE_LINES = 500
AGAIN_SECONDS = 1.0
"""Between two looks at a database or a log that is away."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cursor(NamedTuple):
    """A point in both streams."""

    history: Frontier
    output: Frontier

    def written(self) -> str:
        return f"{written_frontier(self.history)}/{written_frontier(self.output)}"


class Said(NamedTuple):
    """One thing that was said, and where to go on after it."""

    what: HistoryLine | OutputRecord
    cursor: Cursor


Idle: TypeAlias = None
"""Nothing was said for a while."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a stream is about: a task, a project, or (neither) the whole organization."""

    task: str | None = None
    project: str | None = None

    def filter(self) -> HistoryFilter:
        return HistoryFilter(task=self.task, project=self.project)

    def wants(self, entry: Entry) -> bool:
        event = entry.event
        if event is None:
            return False
        if self.project is not None:
            return event.root == root_of(self.project)
        if self.task is None or event.subject == self.task:
            return True
        return self.task.startswith(f"{event.subject}.") and any(
            task.id == self.task for task in entry.outcome.tasks
        )

    def wants_output(self, subject: str) -> bool:
        if self.project is not None:
            return root_of(subject) == root_of(self.project)
        return self.task is not None and subject == self.task


def read_cursor(text: str) -> Cursor:
    """The cursor that `Cursor.written` wrote; a frontier alone is one of the history."""
    history, slash, output = text.partition("/")
    try:
        return Cursor(read_frontier(history), read_frontier(output) if slash else BEGINNING)
    except ValueError as error:
        raise Invalid("Last-Event-ID", str(error)) from error


def now(scope: Scope, outputs: Outputs) -> Cursor:
    return Cursor(scope.parts.verdicts.frontier, outputs.frontier)


async def check_start(scope: Scope, outputs: Outputs, start: Cursor) -> None:
    """Refuse a point that neither stream has reached: whoever waited there would miss what comes
    before it."""
    await looking.stands(scope, start.history, "Last-Event-ID")
    if reaches(outputs.frontier, start.output):
        return
    end = await end_within(scope, outputs.log)
    if not reaches(end, start.output):
        raise Invalid("Last-Event-ID", f"output ends at {written_frontier(end)}")


async def follow(
    scope: Scope, outputs: Outputs, topic: Topic, start: Cursor, idle_seconds: float
) -> AsyncGenerator[Said | Idle, None]:
    """Everything about a topic from a point on, without end; ends when its reader is too slow."""
    scope.need(Permission.TASKS_READ)
    limit = scope.parts.settings.stream_buffer_entries
    verdicts = scope.parts.verdicts
    organization = scope.organization
    with (
        verdicts.subscribed(organization, topic.wants, limit) as subscription,
        outputs.listening(organization, topic.wants_output, limit) as listening,
    ):
        # 1. What was said before: from the read models, and from the log of output.
        history, output = dict(start.history), dict(start.output)
        async for line in _missed(scope, topic, start.history, subscription.start):
            if line is None:
                yield None
                continue
            partition, offset = line.position
            history[partition] = offset + 1
            yield Said(line, Cursor(dict(history), dict(output)))
        if topic.task is not None or topic.project is not None:
            async for one in _missed_output(scope, outputs, topic, output, listening.start):
                if one is None:
                    yield None
                    continue
                partition, offset = one.record.position
                output[partition] = offset + 1
                yield Said(one, Cursor(dict(history), dict(output)))
        history |= subscription.start
        # 2. What is said from now on.
        while not (subscription.lost or listening.lost):
            said = False
            for entry in subscription.taken():
                partition, offset = entry.record.position
                history[partition] = max(offset + 1, history.get(partition, 0))
                if covers(start.history, entry.record.position):
                    continue
                said = True
                yield Said(line_of(entry, topic.task), Cursor(dict(history), dict(output)))
            for one in listening.taken():
                partition, offset = one.record.position
                output[partition] = offset + 1
                said = True
                yield Said(one, Cursor(dict(history), dict(output)))
            if said:
                continue
            if not await _either(subscription.heard, listening.heard, idle_seconds):
                yield None


async def _missed(
    scope: Scope, topic: Topic, start: Frontier, end: Frontier
) -> AsyncGenerator[HistoryLine | Idle, None]:
    if all(offset <= start.get(partition, 0) for partition, offset in end.items()):
        return
    while (await looking.reached(scope, end)).behind is not None:
        yield None  # What comes meanwhile is kept for this reader, up to its limit.
    cursor = None
    while True:
        try:
            page = await scope.view.history(
                topic.filter(), start=start, cursor=cursor, limit=PAGE_LINES
            )
        except ReadModelsUnavailable:
            yield None  # Who reads has heard a part already: they hear the rest when it is there.
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        for line in page.rows:
            if covers(end, line.position):
                yield line
        cursor = page.next_cursor
        if cursor is None or not page.rows:
            return


async def _missed_output(
    scope: Scope, outputs: Outputs, topic: Topic, start: Frontier, end: Frontier
) -> AsyncGenerator[OutputRecord | Idle, None]:
    while True:
        try:
            missed = await outputs.since(scope.organization, topic.wants_output, start, end)
        except LogUnavailable:
            yield None
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        for one in missed:
            yield one
        return


async def _either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> bool:
    """Whether either was set in time; what was set is cleared."""
    waits = [asyncio.ensure_future(one.wait()), asyncio.ensure_future(other.wait())]
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    one.clear()
    other.clear()
    return bool(done)


def line_of(entry: Entry, about: str | None = None) -> HistoryLine:
    """The line that the history has, or will have, for this entry."""
    event = entry.event
    subject = event.subject if event else ""
    status: Status | ProjectStatus | None = entry.after.status if entry.after else None
    if about is not None and about != subject:
        status = next((task.status for task in entry.outcome.tasks if task.id == about), None)
    return HistoryLine(
        position=entry.record.position,
        appended_at=EPOCH + timedelta(microseconds=entry.record.appended_at_us),
        value=entry.record.value,
        event=event,
        verdict=entry.outcome.verdict,
        reason=entry.outcome.reason,
        late_seconds=entry.outcome.late_seconds,
        trouble=entry.trouble,
        about=about or subject,
        status=status,
    )
