"""`python -m benchmarks.timed_rebuild DATA`: a rebuild that says what it took."""

import json
import sys
import time
from pathlib import Path

from benchmarks.whole_memory import peak_of_all
from services.rebuild.__main__ import run


def main() -> None:
    began = time.perf_counter()
    with peak_of_all() as peak:
        # What it is compared with isn't polite either: a busy machine must slow down both.
        rebuilt = run(Path(sys.argv[1]), politeness=0)
    seconds = time.perf_counter() - began
    took = {"events": rebuilt.records, "seconds": seconds, "peak_megabytes": peak.megabytes}
    print(json.dumps(took))


if __name__ == "__main__":
    main()
