"""A simulation of three regions from its first moment to its last, from one seed."""

import stamina

from tests.simulation.regions.promises import check
from tests.simulation.regions.settling import unsettled
from tests.simulation.regions.world import BUSY_SECONDS, RegionsWorld

DRAIN_SECONDS = 120.0


def simulate(seed: int) -> dict[str, int]:
    """Everything that happens with this seed; raises at the first promise that is broken."""
    stamina.instrumentation.set_on_retry_hooks([])
    world = RegionsWorld(seed)
    try:
        world.begin()
        world.let_pass(BUSY_SECONDS)
        world.calm_down()
        end = world.schedule.now + DRAIN_SECONDS
        while stuck := unsettled(world):
            world.require(world.schedule.now < end, f"in the calm: {stuck[:5]}")
            world.let_pass(1.0)
        check(world)
        return world.counts
    finally:
        world.bury()
        stamina.instrumentation.set_on_retry_hooks(None)
