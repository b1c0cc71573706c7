"""What a row of the pulse holds, by its layout: who changes one changes the other."""

from pathlib import Path

from projections.pulse.deadlines import Deadline
from projections.pulse.executors import ExecutorRow
from projections.pulse.slots import Slot
from projections.pulse.stopping import Stopping
from services.kafka_log.settings import BrokerSettings
from services.pulse_worker.app import PulseApp
from services.pulse_worker.rows import LAYOUT
from services.pulse_worker.shelf import owners, rows

FIELDS = {
    1: {
        Stopping: (
            "organization task_id kind region run_id executor cancel_id requested_us observed_us "
            "unconfirmed_us due_us budget_us overran"
        ),
        Slot: "group window start_us counted phases evidence overran",
        Deadline: "organization deadline_us",
        ExecutorRow: "executor region running draining until_us budgets_seconds",
    },
}


def test_rows_hold_what_their_layout_says() -> None:
    for kind, fields in FIELDS[LAYOUT].items():
        assert list(kind.__annotations__) == fields.split(), kind.__name__


async def test_rows_of_another_layout_are_somewhere_else(tmp_path: Path) -> None:
    app = PulseApp("127.0.0.1:1", BrokerSettings(topic_prefix="ours"), "worker", tmp_path)
    assert app.table.changelog_topic_name == f"ours-pulse-{LAYOUT}-rows-changelog"
    assert owners.name.endswith(f"_{LAYOUT}")
    assert rows.name.endswith(f"_{LAYOUT}")
