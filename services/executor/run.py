"""One run, from its claim to its outcome: the recipe."""

from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

from pydantic import JsonValue, ValidationError

from events.errors import EventTooLarge
from events.ids import derived_id
from events.run_events import RunAdopted, TaskStarted
from events.state import Cancel, Run, TaskState
from events.words import Evidence, Verdict
from services.executor.children import Children
from services.executor.ladder import Ladder
from services.executor.outcomes import Told, outcome_of
from services.executor.output import RunOutput
from services.executor.recorded_voice import RecordedVoice
from services.executor.run_record import RunRecord
from services.executor.runtime import (
    Broke,
    CannotStart,
    Ending,
    EngineGone,
    GivenUp,
    Order,
    Runtime,
    Stopped,
    SweptAway,
)
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import Place
from services.refusals import Unavailable
from services.secrets.masking import Mask
from services.secrets.sealing import Secrets
from services.secrets.vault import SecretsGone


@dataclass(slots=True)
class LiveRun:
    """A run that this executor has, or is about to have."""

    place: Place
    task: TaskState
    run_id: UUID
    runtime: Runtime | None
    around: Surroundings
    adopts: Run | None = None
    """A remote run whose executor is gone, as that left it."""
    record: RunRecord = field(init=False)
    voice: RecordedVoice = field(init=False)
    ladder: Ladder = field(init=False)

    def __post_init__(self) -> None:
        self.record = RunRecord(self.place, self.run_id, self.around)
        self.voice = RecordedVoice(
            self.record,
            RunOutput(self.run_id, self.place.organization, self.place.task_id),
            Children(self.around, self.place, self.task, self.run_id),
        )
        self.ladder = Ladder(self.record, self.around.settings.confirm_seconds)

    # What the executor tells the run

    def cancelled_by(self, cancel: Cancel) -> None:
        self.ladder.cancelled_by(cancel)

    def shut_down(self, grace_seconds: float) -> None:
        self.ladder.shut_down(grace_seconds)

    def disown(self) -> None:
        self.ladder.disown()

    def answered(self, wait: int, answer: JsonValue) -> None:
        if self.ladder.handle is not None:
            self.ladder.handle.answer(wait, answer)

    # What the executor asks of it

    @property
    def disowned(self) -> bool:
        return self.ladder.disowned

    @property
    def own_process(self) -> bool:
        """Whether it has a process of its own."""
        return self.task.spec.isolation == "isolated" or (
            self.runtime is not None and self.runtime.has_own_process(self.task.spec.kind)
        )

    # The recipe

    async def claim(self) -> bool:
        """Claim, and read the verdict: only an effective claim lets code start."""
        claim = self.record.event(
            TaskStarted(
                actor=self.record.me,
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
            actor=self.record.me,
            run_id=self.run_id,
            adoption=number,
            executor=self.around.executor_id,
            from_executor=left.executor,
        )
        event = self.record.event(body, derived_id(self.run_id, self.around.executor_id, number))
        outcome = await self.around.voice.ask(event)
        return outcome.verdict is Verdict.EFFECTIVE

    async def live(self) -> None:
        """Start, wait, stop if told so, and say on the log how it ended."""
        # 1. Start, unless a cancel came first.
        ending = await self._started()
        # 2. Wait for its end, or make it end.
        if ending is None:
            assert self.ladder.handle is not None
            ending = await self.ladder.ended(self.ladder.handle)
        if self.ladder.disowned:
            return
        # 3. Its output first, as far as a cancel may wait for it.
        patience = None if self.ladder.stop is None else self.around.settings.output_flush_seconds
        await self.around.outputs.flushed(self.voice.said, patience)
        # 4. Say how it ended. The event's id follows from the run: to say it again changes nothing.
        try:
            await self._say_outcome(ending)
        except (EventTooLarge, ValidationError) as error:
            # Whatever a run gives back, its executor goes on.
            why = f"what the run gave back can't be recorded: {error}"
            await self._say_outcome(Broke(why, "result_refused", permanent=True))

    async def _started(self) -> Ending | None:
        """None when it runs; else how it ended before it began."""
        if self.ladder.stop is not None and self.adopts is None:
            return Stopped(Evidence.NEVER_STARTED)
        try:
            if self.runtime is None:
                raise CannotStart(
                    f"no executor knows the handler {self.task.spec.kind!r}: check the name, and "
                    f"the modules that executors import{self.around.troubles()}",
                    "unknown_handler",
                )
            self.ladder.handle = await self.runtime.start(await self._order(self.runtime))
        except (CannotStart, SecretsGone, Unavailable, OSError) as error:
            if self.adopts is not None:
                # Nobody knows how it goes: it stays as it is, to be adopted again.
                self.ladder.disowned = True
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
                why = self.voice.mask.text(str(error))
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
            self.voice.mask = Mask(secrets)
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
            voice=self.voice,
            adopted=self.adopts is not None,
            attached=attached,
            given_up=self.ladder.told,
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

    async def _say_outcome(self, ending: Ending) -> None:
        told = Told(self.run_id, self.record.me, self.voice.said.summary(), self.voice.mask)
        cancel = self.ladder.cancel
        body = outcome_of(ending, told, None if cancel is None else cancel.id)
        event = self.record.event(body, derived_id(self.run_id, "outcome"))
        observed = list(self.ladder.unsaid)
        await self.around.voice.say_messages([*observed, self.record.message(event)])
        # Only now: what can't be recorded is said otherwise, and this with it.
        del self.ladder.unsaid[: len(observed)]
