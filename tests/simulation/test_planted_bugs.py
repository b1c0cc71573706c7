"""The simulation finds what it is there to find."""

import pytest

from tests.simulation.planted import PLANTED, planted
from tests.simulation.simulation import simulate

SEEDS = 60


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str) -> None:
    with planted(bug):
        found = next((seed for seed in range(SEEDS) if simulate(seed).broken is not None), None)

    assert found is not None, f"{SEEDS} worlds, and nobody saw that {bug}"
