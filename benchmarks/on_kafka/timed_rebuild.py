"""`python -m benchmarks.on_kafka.timed_rebuild`: a rebuild that says what it took.

Topics and database as the environment says.
"""

import json
import time

from benchmarks.whole_memory import peak_of_all
from services.on_kafka.rebuilding import rebuild_shared
from services.rebuild.__main__ import alone
from services.settings import read_settings


def main() -> None:
    began = time.perf_counter()
    settings = read_settings()
    with peak_of_all() as peak:
        rebuilt = alone(lambda watch: rebuild_shared(settings, watch, replace=True), politeness=0)
    seconds = time.perf_counter() - began
    took = {"events": rebuilt.records, "seconds": seconds, "peak_megabytes": peak.megabytes}
    print(json.dumps(took))


if __name__ == "__main__":
    main()
