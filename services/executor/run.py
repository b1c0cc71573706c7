"""One run, from its claim to its outcome: the recipe, and the ladder by which it is stopped."""

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import Any, assert_never
from uuid import UUID

from pydantic import JsonValue, ValidationError

from events.body import Actor, JsonObject
from events.cancel_events import CancelObserved, CancelUnconfirmed
from events.errors import EventTooLarge
from events.event import Event
from events.ids import derived_id
from events.log import Message
from events.run_events import (
    RunAdopted,
    RunAttached,
    TaskStarted,
    TaskWaiting,
)
from events.state import Cancel, Run, TaskState
from events.vocabulary import HistoryBody
from events.words import Evidence, Mode, Origin, Verdict
from services.executor.children import Children
from services.executor.outcomes import Told, outcome_of, writable
from services.executor.output import RunOutput
from services.executor.runtime import (
    Broke,
    CannotStart,
    Channel,
    ChildAnswer,
    Ending,
    EngineGone,
    GivenUp,
    Order,
    RunHandle,
    Runtime,
    Stop,
    Stopped,
    SweptAway,
)
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import Place
from services.refusals import Unavailable
from services.secrets.masking import Mask
from services.secrets.sealing import Secrets
from services.secrets.vault import SecretsGone
from services.voice import as_executor

UNCONFIRMED_AT_LEAST_EVERY_SECONDS = 3600.0
TOGETHER_SECONDS = 0.005
"""A run that ends so soon after it was asked has both said in one append."""


@dataclass(slots=True)
class LiveRun:
    """A run that this executor has, or is about to have."""

    place: Place
    task: TaskState
    run_id: UUID
    runtime: Runtime | None
    around: Surroundings
    said: RunOutput = field(init=False)
    adopts: Run | None = None
    """A remote run whose executor is gone, as that left it."""
    handle: RunHandle | None = None
    stop: Stop | None = None
    cancel: Cancel | None = None
    children: Children = field(init=False)
    disowned: bool = False
    """The log gave the task's fate to somebody else: stop at once, and say nothing."""
    acted_on: Stop | None = None
    noted: UUID | None = None
    """The last cancel that the run is said to have been asked by."""
    mask: Mask = field(default_factory=Mask)
    """Over the task's secrets, in whatever the run says."""
    unsaid: list[Message] = field(default_factory=list)
    """That the run was asked: said with its outcome, when that follows at once."""
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever `stop`, `cancel` or `disowned` changes."""

    def __post_init__(self) -> None:
        self.said = RunOutput(self.run_id, self.place.organization, self.place.task_id)
        self.children = Children(self.around, self.place, self.task, self.run_id)

    # What the executor tells the run

    def cancelled_by(self, cancel: Cancel) -> None:
        """A cancel is effective. The reason is recorded before anything is done about it."""
        if self.cancel == cancel:
            return
        self.cancel = cancel
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
            self.unsaid.append(self.around.voice.message(self._observed(self.cancel)))

    def answered(self, wait: int, answer: JsonValue) -> None:
        if self.handle is not None:
            self.handle.answer(wait, answer)

    # What the run says

    def progress(self, fraction: float | None, step: str) -> bool:
        return self.around.outputs.progress(self.said, fraction, self.mask.text(step))

    def output(self, channel: Channel, content: JsonObject | str) -> bool:
        masked = self.mask.text(content) if isinstance(content, str) else self.mask.object(content)
        return self.around.outputs.output(self.said, channel, masked)

    def waiting(self, wait: int, question: str) -> None:
        body = TaskWaiting(
            actor=self._me,
            run_id=self.run_id,
            wait=wait,
            question=writable(self.mask.text(question), 10_000),
        )
        event = self._event(body, derived_id(self.run_id, "wait", wait))
        self.around.tasks.create_task(self.around.voice.say(event))

    def attached(self, handle: JsonObject) -> None:
        body = RunAttached(actor=self._me, run_id=self.run_id, handle=handle)
        event = self._event(body, derived_id(self.run_id, "attached"))
        self.around.tasks.create_task(self.around.voice.say(event))

    def submit(self, task: JsonObject, answer: ChildAnswer) -> None:
        self.around.tasks.create_task(self.children.submit(task, answer))

    # The recipe

    async def claim(self) -> bool:
        """Claim, and read the verdict: only an effective claim lets code start."""
        claim = self._event(
            TaskStarted(
                actor=self._me,
                run_id=self.run_id,
                attempt=self.task.attempt,
                executor=self.around.executor_id,
                region=self.around.region,
                remote=self.runtime is not None and self.runtime.remote,
            )
        )
        try:
            with self.around.claim_patience.bounded():
                outcome = await self.around.voice.ask(claim)
        except TimeoutError:
            # Should it turn out effective, its executor releases it, as nobody holds it.
            return False
        return outcome.verdict is Verdict.EFFECTIVE

    async def adopt(self) -> bool:
        """Take a remote run over: of several that try, the log chooses one."""
        left = self.adopts
        assert left is not None
        number = left.adoptions + 1
        body = RunAdopted(
            actor=self._me,
            run_id=self.run_id,
            adoption=number,
            executor=self.around.executor_id,
            from_executor=left.executor,
        )
        event = self._event(body, derived_id(self.run_id, self.around.executor_id, number))
        outcome = await self.around.voice.ask(event)
        return outcome.verdict is Verdict.EFFECTIVE

    async def live(self) -> None:
        """Start, wait, stop if told so, and say on the log how it ended."""
        # 1. Start, unless a cancel came first.
        ending = await self._started()
        # 2. Wait for its end, or make it end.
        if ending is None:
            assert self.handle is not None
            ending = await self._ended(self.handle)
        if self.disowned:
            return
        # 3. Its output first, as far as a cancel may wait for it.
        patience = None if self.stop is None else self.around.settings.output_flush_seconds
        await self.around.outputs.flushed(self.said, patience)
        # 4. Say how it ended. The event's id follows from the run: to say it again changes nothing.
        try:
            await self._say_outcome(ending)
        except (EventTooLarge, ValidationError) as error:
            # Whatever a run gives back, its executor goes on.
            why = f"what the run gave back can't be recorded: {error}"
            await self._say_outcome(Broke(why, "result_refused", permanent=True))

    async def _started(self) -> Ending | None:
        """None when it runs; else how it ended before it began."""
        if self.stop is not None and self.adopts is None:
            return Stopped(Evidence.NEVER_STARTED)
        try:
            if self.runtime is None:
                raise CannotStart(
                    f"no executor knows the handler {self.task.spec.kind!r}: check the name, and "
                    f"the modules that executors import{self.around.troubles()}",
                    "unknown_handler",
                )
            self.handle = await self.runtime.start(await self._order(self.runtime))
        except (CannotStart, SecretsGone, Unavailable, OSError) as error:
            if self.adopts is not None:
                # Nobody knows how it goes: it stays as it is, to be adopted again.
                self.disowned = True
                return SweptAway(str(error))
            return self._not_started(error)
        except GivenUp:
            return Stopped(Evidence.NEVER_STARTED)
        except EngineGone as error:
            return SweptAway(str(error))
        return None

    def _not_started(self, error: CannotStart | SecretsGone | Unavailable | OSError) -> Ending:
        match error:
            case CannotStart():
                why = self.mask.text(str(error))
                return Broke(why, error.error_type, permanent=error.permanent)
            case SecretsGone():
                return Broke(str(error), "secrets_destroyed", permanent=True)
            case Unavailable():
                return Broke(str(error), "secrets_unavailable")
            case OSError():  # no descriptors, no memory: another attempt may find some
                return Broke(f"this machine has no room for the run: {error}", "no_room")
        assert_never(error)

    async def _order(self, runtime: Runtime) -> Order:
        task, spec = self.task, self.task.spec
        attached = None if self.adopts is None else self.adopts.handle
        secrets = await self._secrets() if attached is None else None
        payload, given = spec.payload, dict[str, str]()
        if secrets is not None:
            self.mask = Mask(secrets)
            payload = {**payload, **secrets.payload}
            known = {**payload, **secrets.named}
            for name in runtime.secrets_of(spec.kind):
                value = known.get(name)
                if isinstance(value, str):
                    given[name] = value
        return Order(
            run_id=self.run_id,
            organization=self.place.organization,
            task_id=task.id,
            kind=spec.kind,
            payload=payload,
            attempt=task.attempt,
            deadline=spec.deadline,
            labels=spec.labels,
            isolated=spec.isolation == "isolated",
            answers=task.answers,
            voice=self,
            adopted=self.adopts is not None,
            attached=attached,
            given_up=self.told,
            secrets=given,
        )

    async def _secrets(self) -> Secrets | None:
        """In the clear for the first time since they were submitted."""
        spec = self.task.spec
        if spec.secrets_key_id is None:
            return None
        if self.around.vault is None:
            raise CannotStart("this executor has no control store to open secrets", "no_vault")
        return await self.around.vault.open(self.place.organization, self.task.id, spec)

    async def _ended(self, handle: RunHandle) -> Ending:
        """How the run ended, by itself or down the ladder: ask, grace, force, prove."""
        told = asyncio.ensure_future(self.told.wait())
        try:
            if self.stop is None:
                await first_of(handle.ended, told)
                if handle.ended.done():
                    return handle.ended.result()
        finally:
            told.cancel()
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
            patience = self.around.settings.confirm_seconds
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
        if self.unsaid:
            await self._news(handle, min(seconds, TOGETHER_SECONDS))
            if not handle.ended.done():
                self._say_unsaid()
        if not handle.ended.done() and not self.told.is_set():
            await self._news(handle, until - loop.time())
        return handle.ended.result() if handle.ended.done() else None

    async def _news(self, handle: RunHandle, seconds: float) -> None:
        told = asyncio.ensure_future(self.told.wait())
        try:
            await first_of(handle.ended, told, timeout_seconds=max(seconds, 0))
        finally:
            told.cancel()

    # What it comes to

    async def _say_outcome(self, ending: Ending) -> None:
        event = self._event(self._outcome(ending), derived_id(self.run_id, "outcome"))
        voice, observed = self.around.voice, list(self.unsaid)
        await voice.say_messages([*observed, voice.message(event)])
        del self.unsaid[: len(observed)]  # only now: what can't be recorded is said otherwise

    def _outcome(self, ending: Ending) -> HistoryBody:
        return outcome_of(
            ending,
            Told(self.run_id, self._me, self.said.summary(), self.mask),
            None if self.cancel is None else self.cancel.id,
        )

    def _observed(self, cancel: Cancel) -> Event:
        body = CancelObserved(actor=self._me, run_id=self.run_id, cancel_id=cancel.id)
        return self._event(body, derived_id(self.run_id, cancel.id, "observed"), cancel.id)

    def _say_unsaid(self) -> None:
        observed, self.unsaid = self.unsaid, []
        self.around.tasks.create_task(self.around.voice.say_messages(observed))

    def _say_unconfirmed(self, handle: RunHandle) -> None:
        if self.cancel is None or self.disowned:
            return
        survivor = handle.check()
        body = CancelUnconfirmed(
            actor=self._me,
            run_id=self.run_id,
            cancel_id=self.cancel.id,
            survivors=() if survivor is None else (survivor,),
        )
        event = self._event(body, causation_id=self.cancel.id)
        self.around.tasks.create_task(self.around.voice.say(event))

    @property
    def own_process(self) -> bool:
        """Whether it has a process of its own."""
        return self.task.spec.isolation == "isolated" or (
            self.runtime is not None and self.runtime.has_own_process(self.task.spec.kind)
        )

    @property
    def _me(self) -> Actor:
        return as_executor(self.around.executor_id, self.place.organization)

    def _event(
        self, body: HistoryBody, id: UUID | None = None, causation_id: UUID | None = None
    ) -> Event:
        return self.around.voice.event(
            body,
            subject=self.place.task_id,
            organization=self.place.organization,
            id=id,
            causation_id=causation_id,
            traceparent=None if self.cancel is None else self.cancel.traceparent,
        )


async def first_of(*these: "asyncio.Future[Any]", timeout_seconds: float | None = None) -> None:
    """Returns when one of them is done, or the time is over."""
    await asyncio.wait(these, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
