"""A cancel of a running handler where there is a long past, or while that is being rebuilt.

The same figure as the gateway's first, beside itself without the past or the rebuild.
"""

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.figures import Figure, Measurement, at_most, compared, in_turns
from benchmarks.folder import folder_on_disk
from benchmarks.past import a_finished_past, a_past
from benchmarks.read_models import EVENTS, FINISHED_TASKS, LIVE_TASKS
from benchmarks.servers import START_SECONDS, Server, service
from benchmarks.single_cancels import CANCELS_PER_ROUND, Cancels

ROUNDS = 5
REBUILD_BEGINS_SECONDS = 3.0
"""A rebuild that is younger may still be loading its modules."""


@contextmanager
def service_on(past: Path | None) -> Iterator[Cancels]:
    """A service that has settled, on a copy of this past."""
    with folder_on_disk() as folder:
        if past is not None:
            shutil.copytree(past, folder / "data")
        with service(folder) as server:
            until_settled(server)
            yield Cancels(server)


def until_settled(server: Server) -> None:
    """What the past left running has been given up, and the read models have heard of it."""
    connection = server.connection()
    deadline = time.monotonic() + START_SECONDS
    quiet = 0
    while quiet < 5:
        _, body = connection.ask("GET", "/readyz")
        ready = json.loads(body)
        quiet = quiet + 1 if ready["status"] == "ready" and ready["lag_entries"] == 0 else 0
        assert time.monotonic() < deadline, f"it doesn't settle: {ready}"
        time.sleep(0.2)


def stopped_ms(cancels: Cancels) -> list[float]:
    cancels.skip_stopped()
    return [cancels.to_stopped_ms() for _ in range(CANCELS_PER_ROUND)]


def with_a_long_past() -> Measurement:
    past = a_finished_past(finished=FINISHED_TASKS, live=LIVE_TASKS)
    with ExitStack() as stack:
        long = stack.enter_context(service_on(past))
        empty = stack.enter_context(service_on(None))
        return in_turns(
            lambda: statistics.median(stopped_ms(long)),
            lambda: statistics.median(stopped_ms(empty)),
            "ms",
            ROUNDS,
        )


def beside_a_rebuild() -> Measurement:
    """Undisturbed before and after; the rebuild is ended when enough has been measured."""
    with folder_on_disk() as folder:
        shutil.copytree(a_past(events=EVENTS).data, folder / "data")
        with service(folder) as server:
            until_settled(server)
            cancels = Cancels(server)
            stopped_ms(cancels)
            undisturbed = [ms for _ in range(ROUNDS) for ms in stopped_ms(cancels)]
            with rebuilding(folder / "data") as rebuild:
                disturbed = [ms for _ in range(2 * ROUNDS) for ms in stopped_ms(cancels)]
                assert rebuild.poll() is None, "the rebuild was over too early"
            undisturbed += [ms for _ in range(ROUNDS) for ms in stopped_ms(cancels)]
    return compared(statistics.median(disturbed), statistics.median(undisturbed), "ms")


@contextmanager
def rebuilding(data: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The command as users run it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "countermand.cli", "rebuild", "--data", str(data)],
        stdout=subprocess.DEVNULL,
    )
    try:
        time.sleep(REBUILD_BEGINS_SECONDS)
        yield process
    finally:
        process.kill()
        process.wait(30)


FIGURES = [
    Figure(
        "gateway: call to stopped while 1,000,000 events are rebuilt",
        "the same without the rebuild",
        at_most(2),
        beside_a_rebuild,
    ),
    Figure(
        "gateway: call to stopped with 1,000,000 finished tasks in the log",
        "the same with an empty log",
        at_most(1.2),
        with_a_long_past,
    ),
]
