"""`@handler`: which function does a kind of task, and on what conditions."""

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from .payloads import PayloadRefused, converted

Function = TypeVar("Function", bound=Callable[..., Any])


class BadHandler(Exception):
    """What was declared can't be a handler."""


@dataclass(frozen=True, slots=True)
class Handler:
    """What was declared."""

    name: str
    function: Callable[..., Any]
    mode: Literal["async", "sync"]
    isolated: bool
    stop_within_seconds: float | None
    secrets: tuple[str, ...]
    takes_payload: bool

    def model(self) -> Any:
        """What the payload is to become; None for what came as JSON. Raises `BadHandler`."""
        parameter = list(inspect.signature(self.function).parameters)[1]
        try:
            model = typing.get_type_hints(self.function).get(parameter)
        except NameError as error:
            raise BadHandler(f"handler {self.name!r}: its payload's type: {error}") from None
        return None if model in (Any, object) else model

    def payload(self, payload: Mapping[str, Any]) -> Any:
        """The payload as declared. Raises `PayloadRefused`."""
        try:
            model = self.model() if self.takes_payload else None
            return payload if model is None else converted(payload, model)
        except PayloadRefused as refusal:
            if self.secrets:
                raise PayloadRefused(refusal.discreet) from None
            raise
        except Exception as error:  # noqa: BLE001 - an author's model may raise anything
            told = "" if self.secrets else f": {error}"
            raise PayloadRefused(f"{type(error).__name__}{told}") from None


declared: dict[str, Handler] = {}
"""Every handler of this process, by name."""


def handler(
    name: str,
    *,
    isolated: bool = False,
    stop_within_seconds: float | None = None,
    secrets: Sequence[str] = (),
) -> Callable[[Function], Function]:
    """Have this function do the tasks of kind `name`.

    It takes the context, and the payload if it wants it as a dataclass or a pydantic model. A sync
    function always has a process of its own, an async one with `isolated`, for what may block,
    crash or ignore a request to stop, or starts processes or threads: with its process goes all
    that the run started. In a shared one `acknowledged` says that the handler itself has ended, and
    what it left running is its own to end.

    `stop_within_seconds`: a stop that takes longer is counted. `secrets` names those that a run may
    read in `context.secrets`. They are submitted as `secrets`, or as fields of the payload; neither
    is in an event in the clear, and the key to them is destroyed when the task ends.
    """

    def declare(function: Function) -> Function:
        if not name or not isinstance(name, str):
            raise BadHandler(f"{function!r}: a handler has a name")
        if name in declared:
            other = declared[name].function
            raise BadHandler(
                f"two handlers are named {name!r}: {_place(other)} and {_place(function)}"
            )
        if isinstance(secrets, str):
            raise BadHandler(f"handler {name!r}: its secrets are a list of names")
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
            raise BadHandler(f"handler {name!r} yields: it must return (see context.output)")
        asynchronous = inspect.iscoroutinefunction(function)
        declared[name] = Handler(
            name,
            function,
            "async" if asynchronous else "sync",
            isolated or not asynchronous,
            stop_within_seconds,
            tuple(secrets),
            _takes_payload(name, function),
        )
        return function

    return declare


def _takes_payload(name: str, function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    positional = [each for each in parameters if each.kind is not each.KEYWORD_ONLY]
    wanted = [each for each in positional if each.default is each.empty]
    variable = any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters)
    if variable or len(wanted) != len(parameters) or len(wanted) not in (1, 2):
        raise BadHandler(f"handler {name!r} must take (context) or (context, payload)")
    return len(wanted) == 2


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', function)}"
