"""While a gateway takes a large parcel, others have their turn."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from events.cancel_events import CancelRequested
from events.log import Message
from events.positions import Position
from services.control_store import open_control_store
from services.own_words import OwnWords
from services.regions.copies import Copies
from services.regions.dock import LINES_AT_ONCE, Dock
from services.regions.parcels import Line, Parcel
from services.regions.settings import RegionAddress, RegionSettings
from services.verdicts import Verdicts
from services.world import real_world
from tests.builders import nothing_yet
from tests.builders.actors import START, USER
from tests.builders.parcels import line

SLICES = 4


class Turns:
    """Somebody else in the same event loop."""

    def __init__(self) -> None:
        self.had = 0

    async def take(self) -> None:
        while True:
            self.had += 1
            await asyncio.sleep(0)


class Noting:
    """A log that notes how many turns others had had when it was asked to append."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._offsets = count()
        self.turns_before: int | None = None

    async def append(self, messages: Sequence[Message]) -> Sequence[Position]:
        if self.turns_before is None:
            self.turns_before = self._turns.had
        return [Position(0, next(self._offsets)) for _ in messages]


def asked(number: int) -> Line:
    order = nothing_yet(f"task-{number}").addressed(CancelRequested(actor=USER), home="a")
    return line(order.events[-1], number)


async def test_others_have_their_turn_between_its_lines(tmp_path: Path) -> None:
    settings = RegionSettings(
        others={"b": RegionAddress.model_validate({"url": "http://b.example", "key": "k"})}
    )
    turns, nothing, world = Turns(), None, real_world()
    log: Any = Noting(turns)
    with closing(open_control_store(None, tmp_path)) as store:
        dock = Dock(
            "a",
            log=log,
            words=OwnWords(),
            reads=nothing,  # type: ignore[arg-type]
            verdicts=Verdicts(),
            copies=Copies(store, settings, world.now),
            settings=settings,
            world=world,
            read_wait_seconds=1.0,
        )
        lines = tuple(map(asked, range(SLICES * LINES_AT_ONCE)))
        parcel = Parcel(source="b", start="0:0", end=f"0:{len(lines)}", read_at=START, lines=lines)
        # How far it was is known from here on: asking takes turns, too.
        await dock.take(parcel.model_copy(update={"end": "0:0", "lines": ()}))
        others = asyncio.create_task(turns.take())
        await dock.take(parcel)
        others.cancel()

    assert log.turns_before is not None
    assert log.turns_before >= SLICES
