"""The recipe of a rebuild: build, index, compare, take over."""

import asyncio
from typing import NamedTuple, Protocol

from events.errors import CountermandError
from events.log import LogReader
from events.positions import Frontier, missing
from projections.checkpoint import frontier_of
from services.read_models.digests import digests
from services.read_models.succession import Succession
from services.read_models.writing import Writer
from services.read_side import check
from services.rebuild.builder import Builder

FEW_RECORDS = 500
"""So many are taken in while the projector waits for the swap."""
CATCH_UPS_LIMIT = 20


class Differs(CountermandError):
    """What was built isn't what is in use; nothing was changed."""

    def __init__(self, tables: list[str]) -> None:
        super().__init__(
            f"the rebuilt read models differ from those in use in {', '.join(tables)}: what is in "
            "use stays. If it is known to be wrong, run `countermand rebuild --replace`"
        )
        self.tables = tables


class Watch(Protocol):
    """Who shows how far it is."""

    def begins(self, step: str, records: int) -> None:
        """A step that takes in so many records; 0: it can't be said how long it takes."""
        ...

    def took(self, records: int) -> None:
        """So many more."""
        ...


class Rebuilt(NamedTuple):
    """What took over."""

    generation: int
    records: int
    compared: bool


async def rebuild(
    generations: Succession, log: LogReader, watch: Watch, *, replace: bool = False
) -> Rebuilt:
    """Make the next generation and let it take over, if it is what is in use.

    `replace`: let it take over whatever is in use, e.g. because that doesn't fit the log any more.
    A service that goes on meanwhile stops then and has to be started again.
    """
    with generations.rebuilding():
        in_use = await asyncio.to_thread(generations.live)
        live = Writer(generations.database(in_use))
        ours = generations.has_our_layout(in_use)
        compared = not replace and ours and len(live.checkpoints()) > 0
        number = in_use + 1
        builder = Builder(generations.begin(number), log, watch.took)
        rebuilding = Rebuilding(generations, log, watch, live, builder, number, compared)
        try:
            return await rebuilding.run()
        finally:
            await builder.close()
            live.close()
            if generations.live() != number:
                generations.remove(number)


class Rebuilding(NamedTuple):
    """The steps of one rebuild."""

    generations: Succession
    log: LogReader
    watch: Watch
    live: Writer
    builder: Builder
    number: int
    compared: bool

    async def run(self) -> Rebuilt:
        # 1. What is in use must be of this log.
        if self.compared:
            await check(self.log, self.live.checkpoints())
        # 2. Everything so far, without indexes; then the indexes.
        await self.build("reading the log", await self.goal())
        self.watch.begins("making indexes", 0)
        await self.builder.index()
        # 3. What has come since, until it is little. What was built so far goes to the disk now,
        #    while nobody waits for it.
        self.generations.make_durable(self.number)
        await self.catch_up()
        # 4. Is it the same?
        if self.compared:
            await self.compare()
        # 5. The last few records, and the swap.
        await self.take_over()
        return Rebuilt(self.number, sum(self.builder.frontier.values()), self.compared)

    async def goal(self) -> Frontier:
        """As far as what is in use has come, so that both can be compared; or to the log's end."""
        if self.compared:
            return frontier_of(self.live.checkpoints())
        return await self.log.end()

    async def build(self, step: str, goal: Frontier) -> int:
        records = missing(self.builder.frontier, goal)
        self.watch.begins(step, records)
        await self.builder.build(goal)
        return records

    async def catch_up(self) -> None:
        for _ in range(CATCH_UPS_LIMIT):
            if await self.build("catching up", await self.goal()) <= FEW_RECORDS:
                return

    async def compare(self) -> None:
        """Both as of the same frontier: what is in use goes on, but not in this transaction."""
        with self.live.session.reading():
            await self.build("catching up", await self.goal())
            self.watch.begins("comparing", 0)
            in_use = await asyncio.to_thread(digests, self.live.session)
            session = self.builder.growing.writer.session
            built = await asyncio.to_thread(session.read, digests, session)
        differing = [name for name, digest in built.items() if in_use[name] != digest]
        if differing:
            raise Differs(differing)

    async def take_over(self) -> None:
        """Nobody can write what is in use meanwhile; afterwards nobody does."""
        await self.build("catching up", await self.log.end())
        with self.live.session.writing():
            self.generations.give_way(self.live.session)
            self.live.checkpoints(locked=True)
            await self.build("taking over", await self.log.end())
            await self.builder.close()
            self.generations.database(self.number).connect().close()
            self.generations.make_durable(self.number)
            self.live.supersede(self.number)
