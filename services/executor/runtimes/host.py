"""One host process, and the runs in it, as the executor sees them.

Everything that happens to a host happens to its runs: whatever kills it, each of them ends, once.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import JsonValue

from events.cancel_events import Survivor
from events.words import Evidence
from services.executor.guardian.client import Guardian, Tree
from services.executor.runtime import (
    Broke,
    CannotStart,
    Completed,
    Ending,
    Order,
    Stop,
    Stopped,
    SweptAway,
)
from services.executor.runtimes.spawning import spawn
from services.executor.runtimes.wait_status import how_it_ended
from services.executor.settings import ExecutorSettings

CHANNEL_FD = 3
DYING_SECONDS = 1.0
"""So long after its channel has ended a host may take to be gone."""
LINE_LIMIT_RESULTS = 8
"""A line holds a result, with every character escaped, and little else."""
HOST_PROGRAM = Path(__file__).parents[3] / "countermand" / "handlers" / "host.py"
SECRETS_PREFIX = "COUNTERMAND_"
"""Our own settings are nothing for authors' code."""


class HandlerInfo(NamedTuple):
    """What a host says of a handler."""

    alone: bool
    """It has a process of its own: it is sync, or asked for it."""
    stop_within_seconds: float | None
    secrets: tuple[str, ...]


def command_of_a_host(settings: ExecutorSettings) -> list[str]:
    """Started by its path, so that any interpreter can run it with nothing of ours installed."""
    paths = [part for path in settings.module_paths for part in ("--path", str(path))]
    limit = ["--result-limit-bytes", str(settings.result_limit_bytes)]
    return [str(settings.python), str(HOST_PROGRAM), *limit, *paths, *settings.modules]


class HandlerRun:
    """A run in a host."""

    def __init__(self, order: Order, host: "Host") -> None:
        self.order = order
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.stop: Stop | None = None
        self.overdue = False
        """Its grace is over, and it may be killed as soon as nobody else is hit."""
        self._host = host

    def ask(self, stop: Stop) -> None:
        if self.stop is None and not self.ended.done():
            self._host.send(
                {
                    "op": "stop",
                    "run": str(self.order.run_id),
                    "why": stop.why,
                    "reason": stop.reason,
                    "grace_seconds": stop.grace_seconds,
                }
            )
        self.stop = stop

    def force(self, stop: Stop) -> None:
        self.stop = stop
        self.overdue = True
        if not self.ended.done():
            self._host.condemn(at_once=stop.forced)

    def check(self) -> Survivor | None:
        if self.ended.done():
            return None
        return Survivor(
            executor=self._host.name,
            what="host",
            pid=self._host.tree.pid,
            started_at=datetime.fromtimestamp(self._host.tree.started_at, UTC),
        )

    def answer(self, wait: int, answer: JsonValue) -> None:
        self._host.send(
            {"op": "answer", "run": str(self.order.run_id), "wait": wait, "answer": answer}
        )

    def end(self, ending: Ending) -> None:
        if not self.ended.done():
            self.ended.set_result(ending)


@dataclass
class Channel(asyncio.Protocol):
    """Lines of JSON over the socket to the host, which authors' code can reach, too."""

    received: Callable[[dict[str, Any]], None]
    spoiled: Callable[[], None]
    """Called when what comes is nothing that a host says."""
    ended: Callable[[], object]
    line_limit_bytes: int

    def __post_init__(self) -> None:
        self._partial = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        try:
            for line in lines:
                self.received(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.spoiled()
        if len(self._partial) > self.line_limit_bytes:
            self.spoiled()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended()


class Host:
    """A child process that runs authors' code, under a keeper of its own."""

    def __init__(
        self,
        tree: Tree,
        channel: socket.socket,
        settings: ExecutorSettings,
        *,
        shared: bool,
        ended: Callable[["Host", list[Order]], None],
    ) -> None:
        self.tree = tree
        self.name = f"host-{tree.pid}"
        self.handlers: dict[str, HandlerInfo] = {}
        self.problems: dict[str, str] = {}
        self.takes_runs = False
        self._socket = channel
        self._shared = shared
        self._settings = settings
        self._ended = ended
        self._runs: dict[str, HandlerRun] = {}
        self._transport: asyncio.WriteTransport | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pong = asyncio.Event()
        self._hung = False
        self._was_killed = False
        self._spoiled = False
        self._last: Ending | None = None
        """How the one run of an isolated host ended, while the rest of its tree is still killed."""
        self._pinging: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        guardian: Guardian,
        settings: ExecutorSettings,
        *,
        shared: bool,
        ended: Callable[["Host", list[Order]], None],
    ) -> "Host":
        """A host that has imported its modules. Raises `CannotStart`."""
        ours, theirs = socket.socketpair()
        try:
            tree = await spawn(
                guardian,
                command_of_a_host(settings),
                env={k: v for k, v in os.environ.items() if not k.startswith(SECRETS_PREFIX)},
                cwd=None,
                fds={1: 2, 2: 2, CHANNEL_FD: theirs.fileno()},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        host = cls(tree, ours, settings, shared=shared, ended=ended)
        loop = asyncio.get_running_loop()
        host._transport, _ = await loop.create_connection(
            lambda: Channel(
                host._received,
                host._spoil,
                lambda: loop.call_later(DYING_SECONDS, host._spoil),
                LINE_LIMIT_RESULTS * settings.result_limit_bytes,
            ),
            sock=ours,
        )
        tree.gone.add_done_callback(lambda _: host._died())
        try:
            async with asyncio.timeout(settings.host_start_seconds):
                await host._ready
        except TimeoutError:
            host.kill()
            raise CannotStart(
                f"a host wasn't ready within {settings.host_start_seconds} s: importing "
                f"{', '.join(settings.modules)} takes longer; raise host_start_seconds",
                "host_not_ready",
                permanent=False,
            ) from None
        except asyncio.CancelledError:
            host.kill()
            raise
        if shared:
            host._pinging = asyncio.create_task(host._ping())
        return host

    def run(self, run: HandlerRun) -> None:
        """Have a run begin here."""
        order = run.order
        if self.tree.gone.done():
            # It died just when it was ready, and everything that it had was ended then.
            run.end(SweptAway("its host died before the run could begin"))
            return
        self._runs[str(order.run_id)] = run
        if not self._shared:
            self.takes_runs = False
        self.send(
            {
                "op": "run",
                "run": str(order.run_id),
                "task": order.task_id,
                "handler": order.kind,
                "payload": order.payload,
                "attempt": order.attempt,
                "deadline": order.deadline.isoformat() if order.deadline else None,
                "answers": list(order.answers),
                "labels": dict(order.labels),
                "secrets": dict(order.secrets),
            }
        )

    def send(self, words: dict[str, Any]) -> None:
        """Written at once where there is room: an event loop may put writing off to its end."""
        if self._transport is None or self._transport.is_closing():
            return
        line = json.dumps(words).encode() + b"\n"
        sent = 0
        if self._transport.get_write_buffer_size() == 0:
            with contextlib.suppress(OSError):
                sent = self._socket.send(line)
        if sent < len(line):
            self._transport.write(line[sent:])

    def condemn(self, *, at_once: bool) -> None:
        """A run in here must end by force: at once, or when no neighbour is harmed by it."""
        self.takes_runs = False
        if at_once or all(run.overdue for run in self._runs.values()):
            self.kill()

    def kill(self) -> None:
        self.takes_runs = False
        self._was_killed = True
        self.tree.kill()

    def _spoil(self) -> None:
        """A host that can't be heard, or makes no sense, is none."""
        if not self.tree.gone.done() and not self._spoiled:
            self._spoiled = not self._was_killed
            self.kill()

    async def gone(self) -> None:
        await asyncio.shield(self.tree.gone)

    # ── what it says ──────────────────────────────────────────────────────────────────────────────

    def _received(self, said: dict[str, Any]) -> None:
        match said["op"]:
            case "ready":
                self._learn(said)
            case "pong":
                self._pong.set()
            case "completed":
                self._end(said, Completed(said.get("result")))
            case "failed":
                ending = Broke(said["error"], said["type"], said.get("permanent", False))
                self._end(said, ending)
            case "stopped":
                self._end(said, Stopped(Evidence.ACKNOWLEDGED))
            case _:
                run = self._runs.get(said["run"])
                if run is not None:
                    self._pass_on(run, said)

    def _pass_on(self, run: HandlerRun, said: dict[str, Any]) -> None:
        voice = run.order.voice
        match said["op"]:
            case "progress":
                voice.progress(said.get("fraction"), said.get("step") or "")
            case "output":
                voice.output("chunk", said["content"])
            case "waiting":
                voice.waiting(said["wait"], said.get("question") or "")
            case "submit":
                run_id, call = said["run"], said["call"]

                def answer(task_id: str | None, error: str | None) -> None:
                    about = {"task": task_id} if error is None else {"error": error}
                    self.send({"op": "submitted", "run": run_id, "call": call, **about})

                voice.submit(said["task"], answer)
            case _:
                pass  # A newer host's words; this release doesn't need them.

    def _learn(self, said: dict[str, Any]) -> None:
        self.handlers = {
            name: HandlerInfo(
                alone=info["mode"] == "sync" or info["isolated"],
                stop_within_seconds=info.get("stop_within_seconds"),
                secrets=tuple(info.get("secrets") or ()),
            )
            for name, info in said["handlers"].items()
        }
        self.problems = {each["module"]: each["error"] for each in said.get("problems") or ()}
        self.takes_runs = True
        if not self._ready.done():
            self._ready.set_result(None)

    def _end(self, said: dict[str, Any], ending: Ending) -> None:
        run = self._runs.pop(said["run"], None)
        if run is None:
            return
        if not self._shared:
            # Whatever it started goes with it: the tree is proved gone before the run has ended.
            self.takes_runs = False
            self._runs[said["run"]] = run
            self._last = self._last or ending
            self.kill()
            return
        run.end(ending)
        if not self.takes_runs and all(each.overdue for each in self._runs.values()):
            self.kill()

    # ── how it ends ───────────────────────────────────────────────────────────────────────────────

    def _died(self) -> None:
        """The whole tree is gone: so is every run that was in it."""
        self.takes_runs = False
        if not self._ready.done():
            self._ready.set_exception(
                CannotStart("a host ended before it was ready: see its standard error", "host_died")
            )
        if self._pinging is not None:
            self._pinging.cancel()
        if self._transport is not None:
            self._transport.close()
        runs, self._runs = self._runs, {}
        suspects = []
        for run in runs.values():
            ending, suspect = self._ending_of(run)
            if suspect:
                suspects.append(run.order)
            run.end(ending)
        self._ended(self, suspects)

    def _ending_of(self, run: HandlerRun) -> tuple[Ending, bool]:
        if self._last is not None:
            return self._last, False
        if run.stop is not None:
            return Stopped(Evidence.KILLED), False
        if self._spoiled:
            return self._spoilt(run)
        if self.tree.gone.result().status is None:
            return SweptAway("its guardian died, or its lease was over"), False
        if self._shared:
            return SweptAway("its host was killed, or died"), self._hung or not self._was_killed
        return Broke(f"the handler's process died: {self._how()}", "process_died"), False

    def _spoilt(self, run: HandlerRun) -> tuple[Ending, bool]:
        if self._shared:
            return SweptAway("somebody in its host spoiled the channel to the executor"), True
        why = "the handler closed or wrote to descriptor 3, its host's channel to the executor"
        return Broke(why, "channel_spoiled"), False

    def _how(self) -> str:
        if not self.tree.exited.done():
            return "how is unknown"
        return how_it_ended(self.tree.exited.result())

    async def _ping(self) -> None:
        """A host whose loop somebody blocks can't stop anybody: it is killed."""
        number = 0
        while True:
            await asyncio.sleep(self._settings.ping_every_seconds)
            if not self._runs:
                continue
            number += 1
            self._pong.clear()
            self.send({"op": "ping", "number": number})
            try:
                async with asyncio.timeout(self._settings.ping_answer_seconds):
                    await self._pong.wait()
            except TimeoutError:
                self._hung = True
                self.kill()
                return
