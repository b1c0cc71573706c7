"""What a runtime must be able to do: start a run, ask it to stop, force it, and say what is alive.

The executor decides when; a runtime only does it and reports, exactly once, how the run ended.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from pydantic import JsonValue

from events.body import JsonObject
from events.cancel_events import Survivor
from events.errors import CountermandError
from events.words import Evidence


class CannotStart(CountermandError):
    """This run can't be started: what was asked for doesn't exist, or isn't allowed.

    Not `permanent`: another attempt may start it.
    """

    def __init__(
        self, why: str, error_type: str = "cannot_start", *, permanent: bool = True
    ) -> None:
        super().__init__(why)
        self.error_type = error_type
        self.permanent = permanent


class GivenUp(CountermandError):
    """The run was to stop before it could begin; nothing of it has."""

    def __init__(self) -> None:
        super().__init__("stopped before it began")


class EngineGone(CountermandError):
    """The guardian died, or its lease was over, while a run was being started: another attempt
    may start it."""

    def __init__(self) -> None:
        super().__init__("the guardian is gone, and everything it guarded")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run."""

    run_id: UUID
    organization: str
    task_id: str
    kind: str
    payload: JsonObject = field(repr=False)
    attempt: int
    deadline: datetime | None
    labels: Mapping[str, str]
    isolated: bool
    answers: tuple[JsonValue, ...]
    voice: "RunVoice"
    adopted: bool = False
    """Somebody else, who is gone, may have started it already."""
    attached: JsonObject | None = None
    """By what a remote engine knows the run, if that is known."""
    given_up: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set once the run is to stop: whoever only waits to start it raises `GivenUp`."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Those that its kind declares, in the clear: they go to the run and nowhere else."""


Channel: TypeAlias = Literal["stdout", "stderr", "chunk"]
ChildAnswer: TypeAlias = Callable[[str | None, str | None], None]
"""Takes the child's id, or the error."""


class RunVoice(Protocol):
    """What a run may say while it runs. Never blocks; returns whether there was room for it."""

    def progress(self, fraction: float | None, step: str) -> bool: ...

    def output(self, channel: Channel, content: JsonObject | str) -> bool: ...

    def waiting(self, wait: int, question: str) -> None: ...

    def submit(self, task: JsonObject, answer: ChildAnswer) -> None: ...

    def attached(self, handle: JsonObject) -> None:
        """By what a remote engine knows the run; for who adopts it."""
        ...


@dataclass(frozen=True, slots=True)
class Stop:
    """Why, and how, a run shall stop. Recorded before anything is done about it."""

    why: str
    """`request`, `deadline` or `shutdown`."""
    reason: str = ""
    forced: bool = False
    grace_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Completed:
    """It ended by itself, with a result."""

    result: JsonValue


@dataclass(frozen=True, slots=True)
class Broke:
    """It ended by itself, with an error."""

    error: str
    error_type: str
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class Stopped:
    """It ended because it was asked or forced to."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class SweptAway:
    """It ended through no doing of its own, proved gone: its host was killed for another's sake."""

    why: str


Ending: TypeAlias = Completed | Broke | Stopped | SweptAway


class RunHandle(Protocol):
    """A run that has been started."""

    @property
    def ended(self) -> "asyncio.Future[Ending]":
        """How it ended: resolved once, whatever happens to the process it ran in."""
        ...

    def ask(self, stop: Stop) -> None:
        """Tell the run to stop, politely. Returns at once."""
        ...

    def force(self, stop: Stop) -> None:
        """Take its life, or as soon as no neighbour is harmed where the stop isn't forced."""
        ...

    def check(self) -> Survivor | None:
        """What is still alive of it."""
        ...

    def answer(self, wait: int, answer: JsonValue) -> None:
        """What it waited for is there."""
        ...


class Runtime(Protocol):
    """One way to have tasks run."""

    @property
    def kinds(self) -> frozenset[str]:
        """What it can run."""
        ...

    @property
    def remote(self) -> bool:
        """Whether its runs outlive the executor, so that a successor adopts them."""
        ...

    @property
    def problems(self) -> Mapping[str, str]:
        """What it should know and doesn't, by name, and why."""
        ...

    def has_own_process(self, kind: str) -> bool:
        """Whether a run of this kind costs a process."""
        ...

    def budget_of(self, kind: str) -> float | None:
        """Within how many seconds a run of this kind is to stop, if it is said of the kind."""
        ...

    def secrets_of(self, kind: str) -> Collection[str]:
        """The names of what a run of this kind is told in secret."""
        ...

    async def start(self, order: Order) -> RunHandle:
        """Start a run whose claim was effective.

        Raises `CannotStart`, `EngineGone`, or, where it only waits, `GivenUp`.
        """
        ...

    async def open(self) -> None:
        """Get ready; what can be learned beforehand is learned here."""
        ...

    async def close(self) -> None:
        """Give everything back; every run has ended by now."""
        ...
