"""Which executors there are and what their handlers' budgets are: the pulse's rows of executors."""

from collections.abc import Mapping, MutableMapping

from pydantic import ValidationError

from events.log import Log, Record
from projections.moments import us
from projections.pulse.executors import ExecutorRow, budgets, executor_row, forgotten
from services.executor.peers import Heartbeat
from services.log_end import end_of
from services.log_following import follow_on
from services.world import World

HEARTBEATS_REREAD = 1_000


class Heartbeats:
    """Executors by name, as they were last heard."""

    def __init__(
        self, log: Log, world: World, executors: MutableMapping[str, ExecutorRow] | None = None
    ) -> None:
        """`executors`: where their rows are kept; by default here."""
        self.executors = {} if executors is None else executors
        self.budgets: Mapping[str, float] = {}
        self._log = log
        self._world = world

    async def run(self) -> None:
        """Follow until cancelled."""
        end = await end_of(self._log)
        start = {partition: max(offset - HEARTBEATS_REREAD, 0) for partition, offset in end.items()}
        async for records in follow_on(self._log, start):
            for record in records:
                self._heard(record)
            self._forget()
            self.budgets = budgets(self.executors.values())

    def _heard(self, record: Record) -> None:
        try:
            said = Heartbeat.model_validate_json(record.value)
        except ValidationError:
            return  # Another release's heartbeat.
        row = executor_row(
            executor=said.executor,
            region=said.region,
            running=said.running,
            draining=said.draining,
            ended=said.ended,
            lease_seconds=said.lease_seconds,
            budgets_seconds=said.budgets_seconds,
            heard_us=record.appended_at_us,
        )
        if row is None:
            self.executors.pop(said.executor, None)
        else:
            self.executors[said.executor] = row

    def _forget(self) -> None:
        now_us = us(self._world.now())
        for name in [name for name, row in self.executors.items() if forgotten(row, now_us)]:
            del self.executors[name]
