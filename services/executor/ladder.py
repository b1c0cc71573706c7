"""The ladder by which a run is stopped: ask, grace, force, prove it gone.

Knows nothing of tasks: which cancels reach a run, and what its end means, is decided elsewhere.
"""

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from uuid import UUID

from events.cancel_events import CancelObserved, CancelUnconfirmed
from events.event import Event
from events.ids import derived_id
from events.log import Message
from events.state import Cancel
from events.words import Mode, Origin
from services.executor.run_record import RunRecord
from services.executor.runtime import Ending, RunHandle, Stop

UNCONFIRMED_AT_LEAST_EVERY_SECONDS = 3600.0
TOGETHER_SECONDS = 0.02
"""A run that ends so soon after it was asked has both said in one append."""


@dataclass(slots=True)
class Ladder:
    """Of one run: what it was told, and how far down it is."""

    record: RunRecord
    confirm_seconds: float
    """So long a forced run may take to be gone; after that it is said to be unconfirmed."""
    handle: RunHandle | None = None
    """The run, once it has been started."""
    stop: Stop | None = None
    cancel: Cancel | None = None
    disowned: bool = False
    """The log gave the task's fate to somebody else: stop at once, and say nothing."""
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever `stop`, `cancel` or `disowned` changes, and when the run has ended."""
    unsaid: list[Message] = field(default_factory=list)
    """That the run was asked: said with its outcome, when that follows at once."""
    acted_on: Stop | None = None
    noted: UUID | None = None
    """The last cancel that the run is said to have been asked by."""

    # What the run is told

    def cancelled_by(self, cancel: Cancel) -> None:
        """A cancel is effective. The reason is recorded before anything is done about it."""
        if self.cancel == cancel:
            return
        self.cancel = cancel
        self.record.traceparent = cancel.traceparent
        self.stop = Stop(
            why="deadline" if cancel.origin is Origin.DEADLINE else "request",
            reason=cancel.reason,
            forced=cancel.mode is Mode.FORCE or cancel.grace_seconds == 0,
            grace_seconds=cancel.grace_seconds or 0.0,
        )
        self._act()

    def shut_down(self, grace_seconds: float) -> None:
        """The executor stops: the task is not cancelled, it is released for another attempt.

        What is being stopped already gets no more time than that either.
        """
        if self.stop is None:
            self.stop = Stop("shutdown", "the executor shuts down", False, grace_seconds)
            self._act()
        elif self.stop.grace_seconds > grace_seconds:
            self.stop = replace(self.stop, grace_seconds=grace_seconds)
            self.told.set()

    def disown(self) -> None:
        self.disowned = True
        self.stop = Stop("shutdown", "the run was given to somebody else", True, 0.0)
        self._act()

    def _act(self) -> None:
        """Ask or force at once, and note it beside the ask: nothing comes between an effective
        cancel and its run."""
        self.told.set()
        stop, handle = self.stop, self.handle
        if stop is None or handle is None or handle.ended.done():
            return
        self.acted_on = stop
        if stop.forced:
            handle.force(stop)
        else:
            handle.ask(stop)
        if self.cancel is not None and not self.disowned and self.noted != self.cancel.id:
            self.noted = self.cancel.id
            self.unsaid.append(self.record.message(self._observed(self.cancel)))

    # What comes of it

    async def ended(self, handle: RunHandle) -> Ending:
        """How the run ended, by itself or down the ladder."""
        handle.ended.add_done_callback(lambda _: self.told.set())
        if self.stop is None:
            await self.told.wait()
            if handle.ended.done():
                return handle.ended.result()
        return await self._stopped(handle)

    async def _stopped(self, handle: RunHandle) -> Ending:
        loop = asyncio.get_running_loop()
        until = math.inf
        while True:
            stop = self.stop
            assert stop is not None
            self.told.clear()
            # 1. Asked it is by now, unless it was told before it had begun.
            if self.acted_on is not stop:
                self._act()
                self.told.clear()
            # 2. Grace.
            if not stop.forced:
                until = min(until, loop.time() + stop.grace_seconds)
                ending = await self._wait(handle, until - loop.time())
                if ending is not None:
                    return ending
                if self.stop is not stop:
                    continue  # Tightened meanwhile: down the ladder again, further.
                handle.force(stop)
            # 3. Prove it gone; until then it is overdue, and says so.
            patience = self.confirm_seconds
            while self.stop is stop:
                ending = await self._wait(handle, patience)
                if ending is not None:
                    return ending
                if self.stop is stop:
                    self._say_unconfirmed(handle)
                    handle.force(stop)
                    patience = min(patience * 2, UNCONFIRMED_AT_LEAST_EVERY_SECONDS)

    async def _wait(self, handle: RunHandle, seconds: float) -> Ending | None:
        """The ending; None when the time is over or the run was told something new."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if self.unsaid and not handle.ended.done():
            await self._news(min(seconds, TOGETHER_SECONDS))
            if not handle.ended.done():
                self._say_unsaid()
        if not handle.ended.done() and not self.told.is_set():
            await self._news(until - loop.time())
        return handle.ended.result() if handle.ended.done() else None

    async def _news(self, seconds: float) -> None:
        """Returns when the run has ended or was told something, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0)):
                await self.told.wait()

    # What is said of it

    def _observed(self, cancel: Cancel) -> Event:
        record = self.record
        body = CancelObserved(actor=record.me, run_id=record.run_id, cancel_id=cancel.id)
        return record.event(body, derived_id(record.run_id, cancel.id, "observed"), cancel.id)

    def _say_unsaid(self) -> None:
        observed, self.unsaid = self.unsaid, []
        self.record.say_messages_aside(observed)

    def _say_unconfirmed(self, handle: RunHandle) -> None:
        if self.cancel is None or self.disowned:
            return
        survivor = handle.check()
        body = CancelUnconfirmed(
            actor=self.record.me,
            run_id=self.record.run_id,
            cancel_id=self.cancel.id,
            survivors=() if survivor is None else (survivor,),
        )
        self.record.say_aside(self.record.event(body, causation_id=self.cancel.id))
