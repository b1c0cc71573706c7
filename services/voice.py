"""Says things on the log, as somebody, and hears what the fold made of them.

A failed append means *unknown*, so it is repeated with the same event until the log answers: the
fold makes repeats void. Verdicts are heard from this process's own ledger, of which this is a
listener.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import stamina

from events.body import Actor
from events.errors import LogUnavailable
from events.event import Event, new_event
from events.log import Log, Message, message
from events.outcome import Outcome
from events.positions import Frontier, Position
from events.state import Root
from events.vocabulary import AnyBody
from projections.entry import Entry
from services.own_words import OwnWords
from services.world import World

REPEAT_AFTER_SECONDS = 0.05
REPEAT_AFTER_AT_MOST_SECONDS = 2.0


class Voice:
    """One service's way to the history."""

    def __init__(
        self, log: Log, world: World, *, source: str, region: str, words: OwnWords | None = None
    ) -> None:
        """`words`: shared with the ledger of this process, if it has one."""
        self._message = message if words is None else words.message
        self._log = log
        self._world = world
        self._source = source
        self._region = region
        self._listening: dict[UUID, list[asyncio.Future[Outcome]]] = {}
        """By event: several may ask with the same one, e.g. a run and its re-run for a child."""

    def event(
        self,
        body: AnyBody,
        *,
        subject: str,
        organization: str,
        id: UUID | None = None,
        cause: Event | None = None,
        causation_id: UUID | None = None,
        traceparent: str | None = None,
    ) -> Event:
        """The event that says this now."""
        return new_event(
            body,
            id=id or self._world.new_id(),
            subject=subject,
            organization=organization,
            time=self._world.now(),
            source=self._source,
            region=self._region,
            causationid=cause.id if cause else causation_id,
            correlationid=(cause.correlationid or cause.id) if cause else None,
            traceparent=cause.traceparent if cause else traceparent,
        )

    def message(self, event: Event) -> Message:
        """The event as the log takes it: to be said later, when every moment counts."""
        return self._message(event)

    async def say(self, *events: Event) -> Sequence[Position]:
        """Append, for as long as it takes; whoever can't wait cancels."""
        return await self.say_messages([self._message(event) for event in events])

    async def say_messages(self, messages: Sequence[Message]) -> Sequence[Position]:
        try:
            return await self._log.append(messages)
        except LogUnavailable:
            # Only now: the machinery of repeating costs more than the append itself.
            return await self._say_again(messages)

    async def _say_again(self, messages: Sequence[Message]) -> Sequence[Position]:
        async for attempt in stamina.retry_context(
            on=LogUnavailable,
            attempts=None,
            timeout=None,
            wait_initial=REPEAT_AFTER_SECONDS,
            wait_max=REPEAT_AFTER_AT_MOST_SECONDS,
            wait_jitter=0,
        ):
            with attempt:
                return await self._log.append(messages)
        raise AssertionError("retry_context ends only by returning or raising")

    async def ask(self, event: Event) -> Outcome:
        """Append, and wait for the verdict of the first entry with this id.

        Once it is heard, nobody waits for the append any more: its answer may have been lost.
        """
        heard: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        listening = self._listening.setdefault(event.id, [])
        listening.append(heard)
        saying = asyncio.ensure_future(self.say(event))
        saying.add_done_callback(partial(_tell_failure, heard))
        try:
            return await heard
        finally:
            saying.cancel()
            listening.remove(heard)
            if not listening:
                self._listening.pop(event.id, None)

    @property
    def awaited(self) -> bool:
        """Somebody waits for a verdict."""
        return bool(self._listening)

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        """Nothing that was said before the ledger began is waited for."""

    def entered(self, entries: Sequence[Entry]) -> None:
        if not self._listening:
            return
        for entry in entries:
            if entry.event is not None:
                for heard in self._listening.get(entry.event.id, ()):
                    if not heard.done():
                        heard.set_result(entry.outcome)

    async def room(self) -> None:
        """Always: nothing is queued here."""


def _tell_failure(heard: "asyncio.Future[Outcome]", saying: "asyncio.Future[Any]") -> None:
    """What couldn't be said will never be heard."""
    if not saying.cancelled() and (error := saying.exception()) and not heard.done():
        heard.set_exception(error)


@lru_cache(maxsize=1_000)
def as_executor(executor_id: str, organization: str) -> Actor:
    return Actor(kind="executor", id=executor_id, organization=organization)
