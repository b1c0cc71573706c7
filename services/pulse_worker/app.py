"""The Faust application: its settings, its one Table, its agent and its timer.

What was measured about Faust decides what is set here: short sessions, or a killed worker's
partitions stand still for a minute; no web server; nobody leads; who was never told where to begin
begins at the end (docs/decisions/0124). An error of an agent would leave a
process that does nothing: it is handed to whoever runs the application. Which partition a row is of
its key says, not the record that is just being read: a partition that nobody writes to any more has
rows, too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import faust
from faust.types import TP
from faust.types.auth import CredentialsT

from services.kafka_log.connection import Connection
from services.kafka_log.settings import BrokerSettings
from services.kafka_log.streams import connection_to, topics_of
from services.pulse_worker.rows import LAYOUT, partition_in

SESSION_SECONDS = 10.0
HEARTBEAT_SECONDS = 2.0
TABLE = "rows"
STOP_SECONDS = 10.0

Grown = Callable[[int, int], None]
"""A partition has a record at this offset."""


class RowsTable(faust.Table[str, Any]):
    """Rows in the changelog's partition that their keys name."""

    def partition_for_key(self, key: str) -> int:
        return partition_in(key)


class PulseApp:
    """Calls `grown` in the agent, and `tick` in the timer."""

    def __init__(
        self, bootstrap: str, settings: BrokerSettings, worker_id: str, data: Path
    ) -> None:
        """`data`: a folder in which Faust may make its own, though it keeps nothing there."""
        history, *_ = topics_of(settings)
        connection = connection_to(bootstrap, settings)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._history = history.name
        self._app = faust.App(
            f"{settings.topic_prefix}-pulse-{LAYOUT}",
            broker=[f"kafka://{each.strip()}" for each in bootstrap.split(",")],
            broker_credentials=credentials_of(connection),
            broker_client_id=worker_id,
            broker_session_timeout=SESSION_SECONDS,
            broker_heartbeat_interval=HEARTBEAT_SECONDS,
            consumer_auto_offset_reset="latest",
            store="memory://",
            datadir=data / "faust",
            topic_partitions=history.partitions,
            topic_replication_factor=history.replication or 1,
            topic_disable_leader=True,
            stream_wait_empty=False,
            web_enabled=False,
            Table=RowsTable,
            autodiscover=False,
        )
        self.table: Any = self._app.Table(TABLE, partitions=history.partitions)

    def on(self, grown: Grown, tick: Callable[[], Awaitable[None]], tick_seconds: float) -> None:
        """Before `run`."""
        topic = self._app.topic(self._history, key_serializer="raw", value_serializer="raw")

        @self._app.agent(topic, name="history")
        async def history(stream: Any) -> None:
            async for event in stream.events():
                message = event.message
                grown(message.partition, message.offset)

        async def timer() -> None:
            await self.guarded(tick())

        self._app.timer(interval=tick_seconds)(timer)

    @property
    def partitions(self) -> frozenset[int]:
        """Those that this worker has now, with their rows."""
        tables: Any = self._app.tables
        # Recovery is said to be completed for ever once it was, also while a later one goes on.
        if self._app.rebalancing or not tables.recovery.completed.is_set():
            return frozenset()
        assigned: set[TP] = self._app.assignor.assigned_actives()
        return frozenset(each.partition for each in assigned if each.topic == self._history)

    @property
    def assignments(self) -> int:
        """How often partitions were given out anew: what was known of any is out of date then."""
        return self._app.rebalancing_count

    async def start(self) -> None:
        self._app.finalize()
        await self._app.start()

    async def stop(self) -> bool:
        """Whether it has stopped; if not, only the end of the process ends it."""
        stopping = asyncio.ensure_future(self._app.stop())
        done, _ = await asyncio.wait({stopping}, timeout=STOP_SECONDS)
        return bool(done) and stopping.exception() is None

    async def guarded(self, work: Awaitable[None]) -> None:
        """An error in it ends the application, in the eyes of whoever runs it."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 (Faust would swallow it)
            if not self.failed.done():
                self.failed.set_exception(error)


def credentials_of(connection: Connection) -> CredentialsT | None:
    arguments = connection.arguments()
    context = arguments.get("ssl_context")
    if connection.sasl is not None:
        return faust.SASLCredentials(
            mechanism=connection.sasl.mechanism,
            username=connection.sasl.username,
            password=connection.sasl.password,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)
