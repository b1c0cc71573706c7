"""When it may be said that something isn't there: once the read models have seen everything.

What can't be said for sure is refused with what is in the way: rows that are late come by
themselves, a partition that stands still waits for an upgrade (docs/decisions/0035).
"""

import asyncio
from typing import Protocol

from events.errors import LogUnavailable
from events.ids import log_key, root_of
from events.positions import Frontier, reaches
from services.operations.scope import Scope
from services.refusals import StandsStill, Unavailable


async def settled(scope: Scope, subject: str | None = None) -> None:
    """Wait until the read models show everything that was in the log when this was called: about
    one subject, whose partition is known by its id, or about all."""
    wanted = await end_within(scope, scope.parts.log)
    if subject is not None:
        partition = scope.parts.partition_of(log_key(scope.organization, root_of(subject)))
        wanted = {partition: wanted.get(partition, 0)}
    if not await scope.parts.reads.reached(wanted, scope.parts.settings.read_wait_seconds):
        raise why_not(scope, wanted)


def why_not(scope: Scope, wanted: Frontier) -> Unavailable:
    """What keeps the read models from showing all of this."""
    there = scope.parts.reads.frontier()
    late = {p: end for p, end in wanted.items() if not reaches(there, {p: end})}
    for partition, (position, why) in scope.parts.stopped().items():
        if partition in late:
            return StandsStill(position, why)
    behind = ", ".join(
        f"partition {partition} by {end - there.get(partition, 0)}"
        for partition, end in sorted(late.items())
    )
    return Unavailable(
        f"the read models are behind{behind and f' ({behind})'}, so this can't be said for sure: "
        "try again. If it stays so, /readyz and the log of whoever feeds them say why: the service "
        "itself, or `countermand projector` where services run alone"
    )


class Ending(Protocol):
    """A log, or who speaks for one."""

    async def end(self) -> Frontier: ...


async def end_within(scope: Scope, log: Ending) -> Frontier:
    """Where a log ends now, if that can be learnt in time."""
    try:
        async with asyncio.timeout(scope.parts.settings.read_wait_seconds):
            return await log.end()
    except (LogUnavailable, TimeoutError) as error:
        raise Unavailable("the log can't be reached: try again") from error
