"""`python -m benchmarks`: one table; exits 1 when a target is missed. `... kafka`: that of Kafka;
`... kafka pairs`: its figures with that in their names.

A new figure is a `Figure` in the `FIGURES` of some module here, and the module a line below.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Sequence

from benchmarks import (
    beside_a_past,
    bulk,
    fold,
    gateway,
    log,
    project_cancel,
    read_models,
    regions,
    stopping,
)
from benchmarks.figures import Figure
from benchmarks.on_kafka import appends, cancels, joining, projecting
from benchmarks.progress import tell
from benchmarks.table import HEADER, Line, as_json, written

FIGURES: list[Figure] = [
    *log.FIGURES,
    *fold.FIGURES,
    *read_models.FIGURES,
    *stopping.FIGURES,
    *gateway.FIGURES,
    *project_cancel.FIGURES,
    *beside_a_past.FIGURES,
    *bulk.FIGURES,
    *regions.FIGURES,
]
SAID_CHARACTERS = 100
KAFKA = "kafka"
ON_KAFKA: list[Figure] = [
    *appends.FIGURES,
    *cancels.FIGURES,
    *projecting.FIGURES,
    *joining.FIGURES,
]


def main(words: Sequence[str], figures: Sequence[Figure], on_kafka: Sequence[Figure] = ()) -> int:
    """Measures and prints; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON array instead")
    parser.add_argument("--only", default="", metavar="SUBSTRING", help="figures so named")
    parser.add_argument(
        "log", nargs="?", choices=(KAFKA,), help="on Kafka and PostgreSQL, not on the embedded log"
    )
    parser.add_argument("figure", nargs="?", default="", help="as --only, behind the log's name")
    arguments = parser.parse_args(words)
    if arguments.log == KAFKA:
        figures = on_kafka
    only = arguments.only or arguments.figure
    chosen = [figure for figure in figures if only.lower() in figure.name.lower()]
    if not chosen:
        names = "\n  ".join(figure.name for figure in figures)
        parser.error(f"no figure's name has {only!r} in it. There are:\n  {names}")
    if not arguments.json:
        print(HEADER)
    began = time.monotonic()
    lines = []
    for figure in chosen:
        line = measured(figure)
        lines.append(line)
        if not arguments.json:
            print(written(line), flush=True)
    took = f"all of it took {time.monotonic() - began:.0f} s"
    if arguments.json:
        print(json.dumps([as_json(line) for line in lines], indent=2))
        tell(took)
    else:
        print(took)
    return 0 if all(line.ok for line in lines) else 1


def measured(figure: Figure) -> Line:
    """Also when it fails: the others are worth having all the same."""
    tell(figure.name)
    began = time.monotonic()
    result, failed = None, ""
    try:
        result = figure.measure()
    except Exception as error:  # noqa: BLE001 (whatever it was, it is said, and the exit code knows)
        traceback.print_exc()
        said = str(error).partition("\n")[0]
        failed = f"{type(error).__name__}: {said[:SAID_CHARACTERS]}"
    return Line(figure, result, time.monotonic() - began, failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], FIGURES, ON_KAFKA))
