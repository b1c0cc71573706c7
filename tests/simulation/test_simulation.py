"""Every promise of the executor and the watchdog, in worlds where everything goes wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof_size import count
from tests.simulation.simulation import simulate

ROOT = Path(__file__).parents[2]


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_every_promise_is_kept_in_every_world() -> None:
    for seed in range(count(small=8, full=500)):
        went = simulate(seed)
        if went.broken is not None:
            story = "\n".join(went.told[-40:])
            pytest.fail(
                f"{story}\n\n{went.broken}\n\nTo repeat: python -m tests.simulation {seed} --told"
            )


def test_a_seed_is_one_world_for_ever() -> None:
    assert simulate(10).digest == simulate(10).digest


def test_a_seed_is_the_same_world_in_another_process() -> None:
    program = "from tests.simulation.simulation import simulate; print(simulate(10).digest)"
    others = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }

    assert others == {simulate(10).digest}


def test_worlds_are_not_idle() -> None:
    """What is proved in worlds where nothing happens is worth nothing."""
    expected = {
        "TaskStarted effective",
        "TaskStarted void not_pending",
        "TaskCompleted effective",
        "TaskFailed effective",
        "TaskCancelled effective",
        "CancelRequested effective",
        "CancelRequested void already_finished",
        "CancelRequested void duplicate",
        "RunReleased effective",
        "RunLost effective",
        "TaskWaiting effective",
        "TaskResumed effective",
        "TaskRetried effective",
        "ProjectCancelRequested effective",
    }
    seen = set[str]()
    for seed in range(40):  # a few are enough; which, changes with every turn of the code's loops
        seen |= simulate(seed).counts.keys()
        if expected <= seen:
            break
    assert expected <= seen, expected - seen
