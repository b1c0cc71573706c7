"""What an executor can run: the kinds of its runtimes, as they are known at this moment."""

from collections.abc import Collection, Sequence

from services.executor.engine import Engine
from services.executor.runtime import Runtime

BUDGET_LIMIT_SECONDS = 366 * 86_400


class Abilities:
    """Of the engine that is open; nothing, while there is none."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def of(self, engine: Engine) -> None:
        self._engine = engine

    def runtime_of(self, kind: str) -> Runtime | None:
        return next((one for one in self._runtimes() if kind in one.kinds), None)

    def kinds(self) -> frozenset[str]:
        return frozenset(kind for runtime in self._runtimes() for kind in runtime.kinds)

    def secrets_of(self, kind: str) -> Collection[str]:
        """The names of what runs of this kind are told in secret, as far as it is known here."""
        runtime = self.runtime_of(kind)
        return () if runtime is None else runtime.secrets_of(kind)

    def budgets(self) -> dict[str, float]:
        budgets = {
            kind: runtime.budget_of(kind) for runtime in self._runtimes() for kind in runtime.kinds
        }
        # Authors may declare anything; what no event can carry is no budget.
        return {
            kind: seconds
            for kind, seconds in budgets.items()
            if seconds is not None and 0 <= seconds <= BUDGET_LIMIT_SECONDS
        }

    def troubles(self) -> str:
        """What keeps handlers from being known, as the end of a sentence."""
        problems = [one for runtime in self._runtimes() for one in runtime.problems.items()]
        return "".join(f"\n{module} could not be imported: {error}" for module, error in problems)

    def _runtimes(self) -> Sequence[Runtime]:
        return self._engine.runtimes if self._engine is not None else ()
