"""One host process, and the runs in it, as the executor sees them.

Everything that happens to a host happens to its runs: whatever kills it, each of them ends, once.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from events.cancel_events import Survivor
from events.words import Evidence
from services.executor.guardian.client import Guardian, Tree
from services.executor.runtime import (
    Broke,
    CannotStart,
    Completed,
    Ending,
    Order,
    Stopped,
    SweptAway,
)
from services.executor.runtimes import host_words
from services.executor.runtimes.handler_run import HandlerRun
from services.executor.runtimes.host_channel import HostChannel
from services.executor.runtimes.host_death import HostDeath
from services.executor.runtimes.host_words import HandlerInfo
from services.executor.runtimes.spawning import spawn
from services.executor.settings import ExecutorSettings

CHANNEL_FD = 3
DYING_SECONDS = 1.0
"""So long after its channel has ended a host may take to be gone."""
LINE_LIMIT_RESULTS = 8
"""A line holds a result, with every character escaped, and little else."""
HOST_PROGRAM = Path(__file__).parents[3] / "countermand" / "handlers" / "host.py"
SECRETS_PREFIX = "COUNTERMAND_"
"""Our own settings are nothing for authors' code."""


def command_of_a_host(settings: ExecutorSettings) -> list[str]:
    """Started by its path, so that any interpreter can run it with nothing of ours installed."""
    paths = [part for path in settings.module_paths for part in ("--path", str(path))]
    limit = ["--result-limit-bytes", str(settings.result_limit_bytes)]
    return [str(settings.python), str(HOST_PROGRAM), *limit, *paths, *settings.modules]


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
        self._shared = shared
        self._settings = settings
        self._ended = ended
        self._runs: dict[str, HandlerRun] = {}
        self._channel = HostChannel(
            channel,
            received=self._received,
            spoiled=self._spoil,
            ended=self._fallen_silent,
            line_limit_bytes=LINE_LIMIT_RESULTS * settings.result_limit_bytes,
        )
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
        tree.gone.add_done_callback(lambda _: host._died())
        try:
            async with asyncio.timeout(settings.host_start_seconds):
                await host._channel.open()
                await host._ready
        except BaseException as error:
            host._ready.cancel()  # nobody waits for it any more
            host.kill()
            if isinstance(error, TimeoutError):
                raise CannotStart(
                    f"a host wasn't ready within {settings.host_start_seconds} s: importing "
                    f"{', '.join(settings.modules)} takes longer; raise host_start_seconds",
                    "host_not_ready",
                    permanent=False,
                ) from None
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
        self.send(host_words.run(order))

    def send(self, words: dict[str, Any]) -> None:
        self._channel.send(words)

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

    def _fallen_silent(self) -> None:
        """Its end of the channel is closed: it may just be about to be gone."""
        asyncio.get_running_loop().call_later(DYING_SECONDS, self._spoil)

    async def gone(self) -> None:
        await asyncio.shield(self.tree.gone)

    def survivor(self) -> Survivor:
        return Survivor(
            executor=self.name,
            what="host",
            pid=self.tree.pid,
            started_at=datetime.fromtimestamp(self.tree.started_at, UTC),
        )

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
                    run.heard(said)

    def _learn(self, said: dict[str, Any]) -> None:
        self.handlers = host_words.handlers_in(said)
        self.problems = host_words.problems_in(said)
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
        self._channel.close()
        death = self._death()
        runs, self._runs = self._runs, {}
        suspects = []
        for run in runs.values():
            ended = death.of(run.stop)
            if ended.suspect:
                suspects.append(run.order)
            run.end(ended.ending)
        self._ended(self, suspects)

    def _death(self) -> HostDeath:
        tree = self.tree
        return HostDeath(
            shared=self._shared,
            was_killed=self._was_killed,
            hung=self._hung,
            spoiled=self._spoiled,
            swept_away=tree.gone.result().status is None,
            status=tree.exited.result() if tree.exited.done() else None,
            last=self._last,
        )

    async def _ping(self) -> None:
        """A host whose loop somebody blocks can't stop anybody: it is killed."""
        number = 0
        while True:
            await asyncio.sleep(self._settings.ping_every_seconds)
            if not self._runs:
                continue
            number += 1
            self._pong.clear()
            self.send(host_words.ping(number))
            try:
                async with asyncio.timeout(self._settings.ping_answer_seconds):
                    await self._pong.wait()
            except TimeoutError:
                self._hung = True
                self.kill()
                return
