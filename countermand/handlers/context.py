"""What a handler is given: its task, and the ways to talk about it.

`TaskContext` is for async handlers; `SyncTaskContext` has the same methods, blocking.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from .stopping import Stop


class SubmitRefused(Exception):
    """The child task can't be submitted; the text says why."""


class Talk(Protocol):
    """The run's end of the channel, in a host with an event loop."""

    async def say(self, op: str, **about: object) -> None:
        """Returns when it is on its way; waits while the executor doesn't keep up."""
        ...

    async def ask(self, op: str, key: "Key", **about: object) -> dict[str, Any]:
        """Returns the executor's answer."""
        ...


class BlockingTalk(Protocol):
    """The run's end of the channel, in a sync handler's host."""

    def say(self, op: str, **about: object) -> None: ...

    def ask(self, op: str, key: "Key", **about: object) -> dict[str, Any]: ...


Key: TypeAlias = tuple[Literal["wait", "call"], int]
"""What an answer answers: the run's questions are counted, and its calls."""


@dataclass(slots=True)
class TaskFacts:
    """What is known of a run when it begins, and why it shall stop."""

    task_id: str
    run_id: str
    attempt: int
    payload: Any
    labels: Mapping[str, str]
    deadline: datetime | None
    secrets: Mapping[str, str] = field(repr=False)
    answers: tuple[Any, ...] = field(repr=False)
    """To the questions that earlier attempts asked, in their order."""
    stopping: Stop | None = None
    """Why the run is being stopped; None while it isn't."""
    _questions: int = field(default=0, repr=False)
    _calls: int = field(default=0, repr=False)

    def _next_question(self) -> Key:
        self._questions += 1
        return "wait", self._questions

    def _next_call(self) -> Key:
        self._calls += 1
        return "call", self._calls


@dataclass(slots=True)
class TaskContext(TaskFacts):
    """The task, for an async handler."""

    _talk: Talk = field(kw_only=True, repr=False)

    async def progress(self, fraction: float | None = None, step: str = "") -> None:
        """Say how far it is: between 0 and 1, and in words."""
        await self._talk.say("progress", fraction=_checked(fraction), step=_text("a step", step))

    async def output(self, content: str | Mapping[str, Any]) -> None:
        """Say something that whoever follows the task will read: a text, or a JSON object."""
        await self._talk.say("output", content=_content(content))

    async def wait_for_approval(self, question: str) -> Any:
        """Wait until somebody answers. An answer survives a re-run: it isn't asked again."""
        _text("a question", question)
        key = self._next_question()
        if key[1] <= len(self.answers):
            return self.answers[key[1] - 1]
        return (await self._talk.ask("waiting", key, question=question)).get("answer")

    async def submit(
        self, kind: str, payload: Mapping[str, Any], *, name: str | None = None, **options: Any
    ) -> str:
        """Submit a child task and return its id. Raises `SubmitRefused`.

        A child with a name is the same child when this task runs again.
        """
        task = _child(kind, payload, name, options)
        return _id_of_child(await self._talk.ask("submit", self._next_call(), task=task))


@dataclass(slots=True)
class SyncTaskContext(TaskFacts):
    """The task, for a sync handler."""

    _talk: BlockingTalk = field(kw_only=True, repr=False)

    def progress(self, fraction: float | None = None, step: str = "") -> None:
        """As in `TaskContext`."""
        self._talk.say("progress", fraction=_checked(fraction), step=_text("a step", step))

    def output(self, content: str | Mapping[str, Any]) -> None:
        """As in `TaskContext`."""
        self._talk.say("output", content=_content(content))

    def wait_for_approval(self, question: str) -> Any:
        """As in `TaskContext`."""
        _text("a question", question)
        key = self._next_question()
        if key[1] <= len(self.answers):
            return self.answers[key[1] - 1]
        return self._talk.ask("waiting", key, question=question).get("answer")

    def submit(
        self, kind: str, payload: Mapping[str, Any], *, name: str | None = None, **options: Any
    ) -> str:
        """As in `TaskContext`."""
        task = _child(kind, payload, name, options)
        return _id_of_child(self._talk.ask("submit", self._next_call(), task=task))


def facts(order: Mapping[str, Any], payload: Any) -> dict[str, Any]:
    """From the order to run to the context's fields."""
    deadline = order.get("deadline")
    return {
        "task_id": order["task"],
        "run_id": order["run"],
        "attempt": order["attempt"],
        "payload": payload,
        "labels": order.get("labels") or {},
        "deadline": None if deadline is None else datetime.fromisoformat(deadline),
        "answers": tuple(order.get("answers") or ()),
        "secrets": order.get("secrets") or {},
    }


def _checked(fraction: float | None) -> float | None:
    if fraction is not None and not 0 <= fraction <= 1:
        raise ValueError(f"progress is a fraction between 0 and 1, not {fraction!r}")
    return fraction


def _text(what: str, said: object) -> str:
    """What the executor takes for a text: said here, a mistake is the handler's own error."""
    if not isinstance(said, str):
        raise TypeError(f"{what} is a text, not {said!r:.200}")
    return said


def _content(content: object) -> str | Mapping[str, Any]:
    if not isinstance(content, str | Mapping):
        raise TypeError(f"output is a text or a JSON object, not {content!r:.200}")
    return content


def _child(
    kind: str, payload: Mapping[str, Any], name: str | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    named = {} if name is None else {"name": name}
    return {"kind": kind, "payload": payload, **named, **options}


def _id_of_child(answered: Mapping[str, Any]) -> str:
    if answered.get("error") is not None:
        raise SubmitRefused(answered["error"])
    return str(answered["task"])
