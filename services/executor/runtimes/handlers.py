"""Python handlers: runs in hosts, many async ones in a shared host, others in one of their own."""

import asyncio
from collections import deque
from collections.abc import Collection

import structlog

from services.executor.guardian.client import Guardian
from services.executor.runtime import CannotStart, EngineGone, GivenUp, Order, RunHandle
from services.executor.runtimes.handler_run import HandlerRun
from services.executor.runtimes.host import Host
from services.executor.runtimes.host_words import HandlerInfo
from services.executor.settings import ExecutorSettings

log = structlog.get_logger(__name__)

SUSPECTS_REMEMBERED = 10_000


class Handlers:
    """The hosts of one executor."""

    remote = False

    def __init__(self, guardian: Guardian, settings: ExecutorSettings) -> None:
        self.known: dict[str, HandlerInfo] = {}
        self.problems: dict[str, str] = {}
        """Modules that could not be imported, and why."""
        self._guardian = guardian
        self._settings = settings
        self._shared: Host | None = None
        self._waiting: deque[Host] = deque()
        self._hosts: set[Host] = set()
        self._suspects: dict[tuple[str, str], None] = {}
        """Tasks that were in a shared host when it died or hung: they run alone from then on."""
        self._starting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._finding: set[asyncio.Task[Host]] = set()
        """Hosts that runs wait for."""

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self.known)

    def has_own_process(self, kind: str) -> bool:
        return self.known[kind].alone

    def budget_of(self, kind: str) -> float | None:
        return self.known[kind].stop_within_seconds

    def secrets_of(self, kind: str) -> Collection[str]:
        return self.known[kind].secrets

    async def open(self) -> None:
        """Start a host, and learn from it which handlers there are."""
        self._shared = await self._start_host(shared=True)
        self.known = self._shared.handlers
        self.problems = self._shared.problems
        for module, error in self.problems.items():
            log.error("module not imported: its handlers are unknown", module=module, error=error)
        self._refill()

    async def close(self) -> None:
        starting = [*self._tasks, *self._finding]
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        hosts = list(self._hosts)
        for host in hosts:
            host.kill()
        await asyncio.gather(*(host.gone() for host in hosts))

    async def start(self, order: Order) -> RunHandle:
        alone = (
            order.isolated
            or self.has_own_process(order.kind)
            or (order.organization, order.task_id) in self._suspects
        )
        host = self._host_at_hand(alone) or await self._host_in_time(order, alone)
        run = HandlerRun(order, host)
        host.run(run)
        return run

    def _host_at_hand(self, alone: bool) -> Host | None:
        if not alone:
            shared = self._shared
            return shared if shared is not None and shared.takes_runs else None
        host = None
        while self._waiting and host is None:
            host = self._waiting.popleft()
            host = host if host.takes_runs else None
        self._refill()
        return host

    async def _host_in_time(self, order: Order, alone: bool) -> Host:
        """A host may take long to import: who is to stop meanwhile doesn't wait for it."""
        finding = asyncio.create_task(
            self._start_host(shared=False) if alone else self._shared_host()
        )
        self._finding.add(finding)
        finding.add_done_callback(self._finding.discard)
        giving_up = asyncio.create_task(order.given_up.wait())
        try:
            await asyncio.wait({finding, giving_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            giving_up.cancel()
        if order.given_up.is_set():
            finding.add_done_callback(self._keep if alone else _heard)
            raise GivenUp
        return finding.result()

    def _keep(self, found: "asyncio.Task[Host]") -> None:
        """For whoever comes next."""
        if _heard(found):
            self._waiting.append(found.result())

    async def _shared_host(self) -> Host:
        async with self._starting:
            if self._shared is None or not self._shared.takes_runs:
                self._shared = await self._start_host(shared=True)
            return self._shared

    def _refill(self) -> None:
        """Keep hosts waiting, so that a start costs milliseconds."""
        missing = self._settings.isolated_hosts_ready - len(self._waiting) - len(self._tasks)
        for _ in range(missing):
            starting = asyncio.create_task(self._start_waiting())
            self._tasks.add(starting)
            starting.add_done_callback(self._tasks.discard)

    async def _start_waiting(self) -> None:
        try:
            self._waiting.append(await self._start_host(shared=False))
        except (CannotStart, EngineGone):
            return  # The next run that needs one tries again, and reports it.

    async def _start_host(self, *, shared: bool) -> Host:
        host = await Host.start(self._guardian, self._settings, shared=shared, ended=self._ended)
        self._hosts.add(host)
        return host

    def _ended(self, host: Host, suspects: list[Order]) -> None:
        self._hosts.discard(host)
        for order in suspects:
            self._suspects[order.organization, order.task_id] = None
            if len(self._suspects) > SUSPECTS_REMEMBERED:
                del self._suspects[next(iter(self._suspects))]


def _heard(found: "asyncio.Task[Host]") -> bool:
    """Whether there is a host. Who wanted it is gone, and the next one reports what is wrong."""
    return not found.cancelled() and found.exception() is None
