"""What is promised between regions, in worlds where ways are cut and bridges and gateways die."""

import pytest

from tests.proof_size import count
from tests.simulation.regions.simulation import simulate
from tests.tallies import Tally


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_what_one_region_accepts_another_decides_once(tally: Tally) -> None:
    seen: dict[str, int] = {}
    seeds = count(small=3, full=200)
    for seed in range(seeds):
        for what, times in simulate(seed).items():
            seen[what] = seen.get(what, 0) + times

    expected = {
        "CancelRequested effective",
        "CancelRequested void expired",
        "RootHandedOver effective",
        "RootHandedOver void not_pending",
        "TaskSubmitted effective",
        "TaskSubmitted void id_taken",
        "cut one",
        "cut both",
        "gateway",
        "bridge",
    }
    assert expected <= seen.keys(), expected - seen.keys()
    assert seen["repeats"] > 0, "nothing was carried twice"
    if seeds > 20:
        rarer = {"CancelRequested void already_finished", "forwarded CancelRequested"}
        assert rarer | {"followed", "moved again"} <= seen.keys()
    tally(f"{sum(n for what, n in seen.items() if what[0].isupper())} requests decided elsewhere")
    tally(f"{seen['moves']} moves, {seen.get('forwarded CancelRequested', 0)} cancels after them")
