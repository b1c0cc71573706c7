"""`countermand demo`, needing nothing else, shows everything that it is to, and leaves nothing."""

import re
import time
from pathlib import Path

import pytest

from tests.e2e.commands import run
from tests.tallies import Tally

PATIENCE_SECONDS = 100.0


@pytest.mark.prove
@pytest.mark.long
def test_the_demo_shows_runs_cancels_and_a_kill_and_leaves_nothing(
    tmp_path: Path, tally: Tally
) -> None:
    began = time.monotonic()
    done = run(["demo"], {"TMPDIR": str(tmp_path)}, seconds=PATIENCE_SECONDS)
    tally(f"{time.monotonic() - began:.1f} s")

    assert done.returncode == 0, done.stderr
    chapters = re.findall(r"─ ([^─]+) ─", done.stdout)
    assert [each.split(",")[0] for each in chapters] == [
        "A service with everything in it",
        "Tasks of each runtime",
        "Cancels",
        "kill -9 of service and executor",
        "The histories",
    ]
    _, tasks, cancels, killed, histories = re.split(r"─ [^─]+ ─+\n", done.stdout)[1:]
    assert {"sleep", "count", "stubborn", "demo-command", "fail"} == set(
        re.findall(r"submitted \w+: (\S+)", tasks)
    )
    assert re.findall(r"evidence +(\w+)", cancels) == [
        "acknowledged",
        "acknowledged",
        "killed",
        "exited",
    ]
    assert re.search(r"once more: it had already finished, \d", cancels)
    assert "accepted at 0:" in killed
    assert ": cancelling\nkilled;" in killed
    assert re.findall(r"(?:status|evidence) +(\w+)", killed) == ["cancelled", "killed"]
    assert re.findall(r"^(\w+), from 20", histories, re.MULTILINE) == [
        "polite",
        "stubborn",
        "failing",
        "interrupted",
    ]
    assert "void already_finished" in histories
    assert "“while everything dies”" in histories
    assert list(tmp_path.iterdir()) == []
