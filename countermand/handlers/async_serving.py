"""A host with an event loop: many async runs at a time.

Each run is an asyncio task, and its end is seen by a callback: a task that is cancelled before its
first step never runs a line of its own, and is reported all the same.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from . import words
from .context import Key, TaskContext, facts
from .declaring import Handler
from .ending import leave, vanish
from .payloads import PayloadRefused
from .stopping import Stop, TaskStopped

QUEUED_BYTES = 262_144
"""What may wait for the executor to read it, before whoever has more to say must wait."""


class HandlerExited(Exception):
    """The handler called `sys.exit`; in a shared process that may only end its own run."""


class AsyncHost(asyncio.Protocol):
    """The channel, and the runs."""

    def __init__(self, handlers: Mapping[str, Handler], limit_bytes: int) -> None:
        self._handlers = handlers
        self.limit_bytes = limit_bytes
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._partial = b""
        self._runs: dict[str, Run] = {}
        self._room: asyncio.Future[None] | None = None
        """Pending while the executor doesn't keep up."""
        self._closing = False

    # ── the channel ───────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=QUEUED_BYTES)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._hear(words.heard(line))

    def eof_received(self) -> None:
        vanish()  # the executor is gone: nobody is left to work for

    def connection_lost(self, error: Exception | None) -> None:
        if self._closing:
            leave()
        vanish()

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._room is not None:
            self._room.set_result(None)
            self._room = None

    async def room(self) -> None:
        """Returns when more may be said. Always lets others go first: saying mustn't starve
        them."""
        await asyncio.sleep(0)
        while self._room is not None:
            await asyncio.shield(self._room)

    def write(self, line: bytes) -> None:
        self._transport.write(line)

    def _hear(self, said: dict[str, Any]) -> None:
        match said["op"]:
            case "stop":
                self._stop(said)
            case "run":
                self._begin(said)
            case "answer":
                self._answer(said, ("wait", said["wait"]))
            case "submitted":
                self._answer(said, ("call", said["call"]))
            case "ping":
                self.write(words.line("pong", number=said["number"]))
            case "close":
                self._closing = True
                self._leave_when_idle()
            case other:
                raise AssertionError(f"an executor of another release says {other!r}")

    def _leave_when_idle(self) -> None:
        if self._closing and not self._runs:
            self._transport.close()  # once everything is written, `connection_lost` follows

    # ── the runs ──────────────────────────────────────────────────────────────────────────────────

    def _begin(self, order: dict[str, Any]) -> None:
        run_id, name = order["run"], order["handler"]
        if run_id in self._runs:
            return
        handler = self._handlers.get(name)
        if handler is None:
            error = f"there is no handler {name!r} in this host"
            self.write(words.failed(run_id, error, "unknown_handler", permanent=True))
            return
        if handler.mode == "sync":
            error = f"the sync handler {name!r} needs a host of its own"
            self.write(words.failed(run_id, error, "wrong_host"))
            return
        try:
            payload = handler.payload(order["payload"])
        except PayloadRefused as refusal:
            self.write(words.refused(run_id, refusal))
            return
        run = Run(run_id, self)
        context = TaskContext(**facts(order, payload), _talk=run)
        arguments = (context, payload) if handler.takes_payload else (context,)
        run.context = context
        run.task = self._loop.create_task(_kept_in(handler.function, arguments), name=run_id)
        self._runs[run_id] = run
        run.task.add_done_callback(partial(self._ended, run))

    def _stop(self, said: dict[str, Any]) -> None:
        run = self._runs.get(said["run"])
        if run is None:
            return
        first = run.context.stopping is None
        run.context.stopping = Stop(said["why"], said["reason"], said["grace_seconds"])
        if first:  # another cancellation would only interrupt the cleaning up
            run.task.cancel()

    def _answer(self, said: dict[str, Any], key: Key) -> None:
        run = self._runs.get(said["run"])
        if run is not None:
            run.answer(key, said)

    def _ended(self, run: "Run", task: "asyncio.Task[Any]") -> None:
        del self._runs[run.id]
        run.ended = True
        outcome, error = self._outcome(run, task)
        if error is not None:
            # Before its outcome is said, with which an isolated host may end.
            words.show(error, run.context.secrets.values())
        self.write(outcome)
        self._leave_when_idle()

    def _outcome(self, run: "Run", task: "asyncio.Task[Any]") -> tuple[bytes, BaseException | None]:
        """What is to be said of it, and an error to be shown to its author."""
        if task.cancelled():
            if run.context.stopping is not None:
                return words.line("stopped", run=run.id), None
            return words.failed(run.id, "the handler cancelled itself", "CancelledError"), None
        error = task.exception()
        if error is None:
            return words.completed(run.id, task.result(), self.limit_bytes), None
        if isinstance(error, TaskStopped) and run.context.stopping is not None:
            return words.line("stopped", run=run.id), None
        return words.failed_by(run.id, error), error


async def _kept_in(
    function: Callable[..., Coroutine[Any, Any, Any]], arguments: tuple[Any, ...]
) -> Any:
    try:
        return await function(*arguments)
    except (SystemExit, KeyboardInterrupt) as error:
        raise HandlerExited(f"the handler raised {error!r}") from error


class Run:
    """One run, and its end of the channel."""

    __slots__ = ("_answers", "_host", "context", "ended", "id", "task")

    def __init__(self, run_id: str, host: AsyncHost) -> None:
        self.id = run_id
        self.ended = False
        self.context: TaskContext
        self.task: asyncio.Task[Any]
        self._host = host
        self._answers: dict[Key, asyncio.Future[dict[str, Any]]] = {}

    async def say(self, op: str, **about: object) -> None:
        line = words.limited_line(self._host.limit_bytes, op, run=self.id, **about)
        await self._host.room()
        if self.ended:
            raise RuntimeError("the run has ended: nothing more can be said about it")
        self._host.write(line)

    async def ask(self, op: str, key: Key, **about: object) -> dict[str, Any]:
        name, number = key
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[key] = answer
        try:
            await self.say(op, **{name: number}, **about)
            return await answer
        finally:
            del self._answers[key]

    def answer(self, key: Key, said: dict[str, Any]) -> None:
        waiting = self._answers.get(key)
        if waiting is not None and not waiting.done():
            waiting.set_result(said)
