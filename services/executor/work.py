"""What an executor does with tasks once it has an engine, and how those who do it are joined."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from events.state import Root
from services.executor.abilities import Abilities
from services.executor.adoptions import Adoptions
from services.executor.claiming import Claiming
from services.executor.closings import Closings
from services.executor.held_runs import HeldRuns
from services.executor.peers import Peers
from services.executor.reactions import Reactions
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import WaitingRoom


class Work(NamedTuple):
    """Of one executor."""

    room: WaitingRoom
    adoptions: Adoptions
    claiming: Claiming
    reactions: Reactions


def work_to_do(
    roots: Mapping[str, Root],
    held: HeldRuns,
    abilities: Abilities,
    closings: Closings,
    peers: Peers,
    around: Surroundings,
    *,
    alone: bool,
    listening_since: float,
    undrained: asyncio.Event,
    fit: asyncio.Event,
) -> Work:
    """As `Adoptions`, `Claiming` and `Reactions` say."""
    room = WaitingRoom(
        around.executor_id,
        around.region,
        abilities.kinds(),
        peers,
        around.settings,
        around.world,
        # A kind may only be missing because those who know it are being restarted.
        strange_kinds_seconds=0.0 if alone else around.settings.lease_seconds,
    )
    adoptions = Adoptions(
        roots, held, abilities, peers, around, alone=alone, listening_since=listening_since
    )
    claiming = Claiming(roots, room, held, abilities, around, undrained=undrained, fit=fit)
    reactions = Reactions(roots, room, held, adoptions, closings, peers, around, alone=alone)
    return Work(room, adoptions, claiming, reactions)
