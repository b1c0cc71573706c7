"""`python -m services.rebuild DATA`: rebuild the read models of an embedded service's folder."""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from events.errors import CountermandError
from services.embedded_log import open_log_reader
from services.read_models.generations import FOLDER, Generations
from services.rebuild.progress import ProgressBar
from services.rebuild.rebuild import Rebuilt, rebuild

POLITENESS = 10
"""A service beside it comes first."""
SWITCH_SECONDS = 0.0005


def main() -> int:
    parser = argparse.ArgumentParser(prog="countermand rebuild", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with the log")
    parser.add_argument(
        "--replace", action="store_true", help="take over whatever is in use, without comparing"
    )
    arguments = parser.parse_args()
    try:
        rebuilt = run(arguments.data, replace=arguments.replace)
    except CountermandError as error:
        print(error, file=sys.stderr)
        return 1
    compared = "the same as before" if rebuilt.compared else "not compared"
    print(f"generation {rebuilt.generation} is in use: {rebuilt.records} events, {compared}")
    return 0


def run(data: Path, *, replace: bool = False, politeness: int = POLITENESS) -> Rebuilt:
    """For a process that does nothing else."""
    return alone(lambda watch: rebuild_folder(data, watch, replace=replace), politeness)


def alone(
    rebuilding: Callable[[ProgressBar], Coroutine[Any, Any, Rebuilt]], politeness: int = POLITENESS
) -> Rebuilt:
    """A rebuild in a process that does nothing else."""
    os.nice(politeness)
    # Everything here is gone with its last reference; looking for cycles would cost a fifth.
    gc.disable()
    # The thread that writes needs Python's lock for moments only, but often.
    sys.setswitchinterval(SWITCH_SECONDS)
    with ProgressBar() as watch:
        return asyncio.run(rebuilding(watch))


class NoLog(CountermandError):
    """There is nothing to rebuild from."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"there is no log in {data}: name the folder that a service was started on (--data, "
            "COUNTERMAND_DATA)"
        )


async def rebuild_folder(data: Path, watch: ProgressBar, *, replace: bool) -> Rebuilt:
    if not (data / "history.sqlite").is_file():
        raise NoLog(data)
    log = await open_log_reader(data / "history.sqlite", "history")
    try:
        return await rebuild(Generations(data / FOLDER), log, watch, replace=replace)
    finally:
        await log.close()


if __name__ == "__main__":
    sys.exit(main())
