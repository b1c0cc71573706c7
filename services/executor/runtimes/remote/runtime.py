"""The remote engines that the operator set up, as one runtime."""

from collections.abc import Mapping

from services.executor.runtime import Order
from services.executor.runtimes.remote.calls import Caller
from services.executor.runtimes.remote.engine import HttpEngine
from services.executor.runtimes.remote.run import RemoteRun
from services.executor.settings import ExecutorSettings


class Remote:
    """By the kinds that are run there."""

    remote = True

    def __init__(self, settings: ExecutorSettings) -> None:
        self._engines: dict[str, HttpEngine] = {
            kind: engine if isinstance(engine, HttpEngine) else engine.engine()
            for kind, engine in settings.engines.items()
        }
        self._hosts = settings.remote_hosts
        self._secrets = {kind: frozenset(names) for kind, names in settings.engine_secrets.items()}
        self._caller: Caller | None = None

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self._engines)

    def has_own_process(self, kind: str) -> bool:
        return False

    def budget_of(self, kind: str) -> float | None:
        return None

    @property
    def problems(self) -> Mapping[str, str]:
        return {}

    def secrets_of(self, kind: str) -> frozenset[str]:
        return self._secrets.get(kind, frozenset())

    async def open(self) -> None:
        """Nothing to learn: the settings say it all."""
        self._caller = Caller(self._hosts)

    async def close(self) -> None:
        """Its runs were let go, or have ended."""
        if self._caller is not None:
            await self._caller.close()
            self._caller = None

    async def start(self, order: Order) -> RemoteRun:
        """Returns at once: a run is cancelled also while its start is in doubt."""
        assert self._caller is not None
        return RemoteRun(order, self._engines[order.kind], self._caller)
