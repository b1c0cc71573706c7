"""`python -m benchmarks.on_kafka.timed_rebuild`: a rebuild that says what it took.

Topics and database as the environment says.
"""

import asyncio
import json
import time
from collections.abc import Callable

import uvloop

from benchmarks.progress import counting, tell
from benchmarks.whole_memory import peak_of_all
from services.on_kafka.rebuilding import rebuild_shared
from services.settings import read_settings


class Told:
    """Who watches: whoever looks at stderr."""

    def __init__(self) -> None:
        self.took: Callable[[int], None] = counting("events rebuilt")

    def begins(self, step: str, records: int) -> None:
        tell(f"rebuild: {step}")


def main() -> None:
    began = time.perf_counter()
    with peak_of_all() as peak, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rebuilt = runner.run(rebuild_shared(read_settings(), Told(), replace=True))
    seconds = time.perf_counter() - began
    took = {"events": rebuilt.records, "seconds": seconds, "peak_megabytes": peak.megabytes}
    print(json.dumps(took))


if __name__ == "__main__":
    main()
