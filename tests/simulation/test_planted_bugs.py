"""The simulation finds what it is there to find."""

import pytest

from tests.simulation.planted import PLANTED, planted
from tests.simulation.simulation import simulate

SEEDS = 100


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str) -> None:
    likely = PLANTED[bug].shown_by
    seeds = sorted(range(SEEDS), key=lambda seed: seed != likely)
    with planted(bug):
        found = next((seed for seed in seeds if simulate(seed).broken is not None), None)

    assert found is not None, f"{SEEDS} worlds, and nobody saw that {bug}"
