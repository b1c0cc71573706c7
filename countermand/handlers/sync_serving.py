"""A host for sync handlers: one run at a time in the main thread, the channel in another.

A stop is a signal to the main thread, whose Python handler raises `TaskStopped` where the author's
code is: in a sleep, in a busy loop, in a lock. It never raises in code of ours, which would break a
message in two or lose a result; there it is put off until the author's code goes on.
"""

import queue
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from . import words
from .context import Key, SyncTaskContext, facts
from .declaring import Handler
from .ending import leave, vanish
from .payloads import PayloadRefused
from .stopping import Stop, TaskStopped

STOP_SIGNAL = signal.SIGUSR1
ASK_AGAIN_SECONDS = 0.001
READ_BYTES = 65_536


class SyncHost:
    """The channel, and the run."""

    def __init__(
        self, channel: socket.socket, handlers: Mapping[str, Handler], limit_bytes: int
    ) -> None:
        self._channel = channel
        self._handlers = handlers
        self.limit_bytes = limit_bytes
        self._runs: dict[str, Run] = {}
        self._begun: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        """What is to run; None when it is time to leave."""
        self._current: Run | None = None
        self._main_thread = threading.get_ident()
        self._writing = threading.Lock()
        self._unbroken = 0
        """How many things the main thread is at that must not be interrupted."""
        self._put_off = False

    def serve(self, partial: bytes) -> None:
        """Until told to close; `partial` is what was read from the channel already."""
        signal.signal(STOP_SIGNAL, self._interrupt)
        threading.Thread(
            target=self._listen, args=(partial,), name="countermand-channel", daemon=True
        ).start()
        while (run := self._begun.get()) is not None:
            outcome, error = self._outcome(run)
            run.ended = True
            del self._runs[run.id]
            if error is not None:
                # Before its outcome is said, with which an isolated host may end.
                words.show(error, run.context.secrets.values())
            self.write(outcome)
        leave()

    def write(self, line: bytes) -> None:
        with self.unbroken(), self._writing:
            self._channel.sendall(line)

    # ── in the channel's thread ───────────────────────────────────────────────────────────────────

    def _listen(self, partial: bytes) -> None:
        try:
            while True:
                *lines, partial = partial.split(b"\n")
                for line in lines:
                    self._hear(words.heard(line))
                data = self._channel.recv(READ_BYTES)
                if not data:
                    break
                partial += data
        except Exception:  # noqa: BLE001 - without its channel this process is of no use
            traceback.print_exc()
        vanish()

    def _hear(self, said: dict[str, Any]) -> None:
        match said["op"]:
            case "stop":
                self._stop(said)
            case "run":
                if said["run"] not in self._runs:
                    run = Run(said, self)
                    self._runs[run.id] = run
                    self._begun.put(run)
            case "answer":
                self._answer(said, ("wait", said["wait"]))
            case "submitted":
                self._answer(said, ("call", said["call"]))
            case "ping":
                self.write(words.line("pong", number=said["number"]))
            case "close":
                self._begun.put(None)
            case other:
                raise AssertionError(f"an executor of another release says {other!r}")

    def _stop(self, said: dict[str, Any]) -> None:
        run = self._runs.get(said["run"])
        if run is not None:
            first = run.context.stopping is None
            run.context.stopping = Stop(said["why"], said["reason"], said["grace_seconds"])
            if first and self._current is run:
                self._signal()

    def _signal(self) -> None:
        signal.pthread_kill(self._main_thread, STOP_SIGNAL)

    def _answer(self, said: dict[str, Any], key: Key) -> None:
        run = self._runs.get(said["run"])
        if run is not None:
            run.answer(key, said)

    # ── in the main thread ────────────────────────────────────────────────────────────────────────

    def _outcome(self, run: "Run") -> tuple[bytes, BaseException | None]:
        """What is to be said of it, and an error to be shown to its author."""
        name = run.order["handler"]
        handler = self._handlers.get(name)
        if handler is None:
            error = f"there is no handler {name!r} in this host"
            return words.failed(run.id, error, "unknown_handler", permanent=True), None
        if handler.mode == "async":
            error = f"this host runs sync handlers; {name!r} is async"
            return words.failed(run.id, error, "wrong_host"), None
        try:
            payload = handler.payload(run.order["payload"])
        except PayloadRefused as refusal:
            return words.refused(run.id, refusal), None
        run.context.payload = payload
        arguments = (run.context, payload) if handler.takes_payload else (run.context,)
        try:
            result = self._run(run, handler.function, arguments)
        except BaseException as error:  # noqa: BLE001 - however author's code ends, its run is reported
            if isinstance(error, TaskStopped) and run.context.stopping is not None:
                return words.line("stopped", run=run.id), None
            return words.failed_by(run.id, error), error
        return words.completed(run.id, result, self.limit_bytes), None

    def _run(self, run: "Run", function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        self._current = run
        try:
            # Who asks looks for the current run after having said why: one of us sees the other.
            if run.context.stopping is not None:
                run.interrupted = True
                raise TaskStopped(run.context.stopping.reason)
            return _authors_code(function, arguments)
        finally:
            self._current = None

    def _interrupt(self, signal_number: int, frame: FrameType | None) -> None:
        """The signal's handler, called between two steps of whatever the main thread is doing."""
        run = self._current
        if run is None or run.interrupted or run.context.stopping is None:
            return
        if self._unbroken:
            self._put_off = True
        elif _is_authors(frame):
            run.interrupted = True
            raise TaskStopped(run.context.stopping.reason)
        else:
            # Just before the author's code begins, or just after it has returned.
            threading.Timer(ASK_AGAIN_SECONDS, self._signal).start()

    @contextmanager
    def unbroken(self) -> Iterator[None]:
        """What the main thread does in here isn't interrupted by a stop."""
        if threading.get_ident() != self._main_thread:
            yield
            return
        self._unbroken += 1
        try:
            yield
        finally:
            self._unbroken -= 1
            if self._put_off and not self._unbroken:
                self._put_off = False
                self._signal()


def _authors_code(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """The one frame between our code and the author's: below it, a stop may be raised."""
    return function(*arguments)


def _is_authors(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code is _authors_code.__code__:
            return True
    return False


class Run:
    """One run, and its end of the channel."""

    def __init__(self, order: dict[str, Any], host: SyncHost) -> None:
        self.id: str = order["run"]
        self.order = order
        self.context = SyncTaskContext(**facts(order, order["payload"]), _talk=self)
        self.interrupted = False
        self.ended = False
        self._host = host
        self._answers: dict[Key, queue.SimpleQueue[dict[str, Any]]] = {}

    def say(self, op: str, **about: object) -> None:
        line = words.limited_line(self._host.limit_bytes, op, run=self.id, **about)
        if self.ended:
            raise RuntimeError("the run has ended: nothing more can be said about it")
        self._host.write(line)

    def ask(self, op: str, key: Key, **about: object) -> dict[str, Any]:
        name, number = key
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._answers[key] = answers
        self.say(op, **{name: number}, **about)
        return answers.get()

    def answer(self, key: Key, said: dict[str, Any]) -> None:
        waiting = self._answers.pop(key, None)
        if waiting is not None:
            waiting.put(said)
