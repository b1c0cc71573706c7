"""One world from one seed: busy users and mishaps, then the calm in which everything must end."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

import stamina

from events.log import Record
from events.state import Root
from tests.simulation.mishaps import Mishaps
from tests.simulation.schedule import Livelock
from tests.simulation.settling import Settling
from tests.simulation.workload import BUSY_SECONDS, Users
from tests.simulation.world import World

DRAIN_SECONDS = 150.0
"""Beyond it, in the calm, something is stuck."""
QUIET_SECONDS = 6.0
"""With nothing said: users try what failed once more."""
SHUTDOWN_SECONDS = 60.0


class Simulated(NamedTuple):
    """How one seed went."""

    broken: Exception | None
    digest: str
    told: list[str]
    counts: dict[str, int]
    seconds: float
    steps: int
    history: Sequence[Record]
    roots: Mapping[str, Root]
    """What the history comes to."""


def simulate(seed: int) -> Simulated:
    """Everything that happens with this seed, to the end or to the first promise broken."""
    stamina.instrumentation.set_on_retry_hooks([])
    world = World(f"countermand-{seed}")
    broken: Exception | None = None
    try:
        live(world)
    except Exception as error:  # noqa: BLE001 (whatever breaks is what a seed is to find)
        broken = error
    finally:
        with suppress(Livelock):  # Whoever is busy with nothing was that before: `broken` says so.
            world.bury()
        stamina.instrumentation.set_on_retry_hooks(None)
    promises, schedule = world.promises, world.schedule
    stored = chain.from_iterable(world.shared.history.partitions)
    return Simulated(
        broken,
        promises.digest,
        promises.told,
        promises.counts,
        schedule.now,
        schedule.steps,
        sorted(stored, key=lambda record: (record.appended_at_us, record.position)),
        promises.roots,
    )


def live(world: World) -> None:
    # 1. Everybody starts.
    gateway = world.node("gateway")
    world.begin(gateway, Users(gateway, world.shared, world.promises).live())
    for executor in world.executors:
        world.start_executor(executor)
    for watchdog in world.watchdogs:
        world.start_watchdog(watchdog)
    # 2. Users are busy, and things go wrong.
    Mishaps(world).begin()
    world.let_pass(BUSY_SECONDS)
    # 3. Nothing goes wrong any more: everything ends.
    world.calm_down()
    drain(world)
    # 4. Asked to end, the executors do.
    shut_down(world)


def drain(world: World) -> None:
    """Everything ends, and then nobody says anything any more."""
    settling, promises = Settling(world), world.promises
    end = world.schedule.now + DRAIN_SECONDS
    quiet = False
    while not (quiet and settling.settled):
        stuck = "; ".join(settling.unsettled()) or "all is done, and somebody still talks"
        promises.require(world.schedule.now < end, f"in the calm: {stuck}")
        world.let_pass(1.0)
        settling.look()
        quiet = world.schedule.now - promises.last_stored_at > QUIET_SECONDS


def shut_down(world: World) -> None:
    world.ending = True
    for home in world.executors:
        world.ask_to_end(home)
    end = world.schedule.now + SHUTDOWN_SECONDS
    while world.schedule.now < end and any(home.up for home in world.executors):
        world.let_pass(1.0)
    still_up = [home.name for home in world.executors if home.up]
    world.promises.require(not still_up, f"{still_up} didn't end when asked to")
