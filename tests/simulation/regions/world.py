"""Three regions from one seed: users everywhere, cuts, kills; then the calm."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias

from events.body import Actor
from events.cancel_events import CancelRequested
from events.event import Event
from events.region_events import RootHandedOver
from events.task_events import TaskSubmitted
from events.vocabulary import HistoryBody
from events.words import Status, Verdict
from services.bridge.crossing import Crossing
from services.regions.addressing import Request, addressed
from tests.simulation.node import Node
from tests.simulation.promises import Broken
from tests.simulation.regions.links import FarDock, Links
from tests.simulation.regions.site import ORGANIZATION, Site
from tests.simulation.schedule import Schedule

BUSY_SECONDS = 12.0
NAMES = ("a", "b", "c")
USER = Actor(kind="user", id="ada", organization=ORGANIZATION, authenticated_by="api_key")


Life: TypeAlias = Callable[[Node], Coroutine[Any, Any, None]]


class Accepted(NamedTuple):
    """A request that a user was told is durable."""

    at: str
    home: str
    event: Event


class RegionsWorld:
    """Its regions, who lives there, and what users and mishaps do to them."""

    def __init__(self, seed: int) -> None:
        self.seed = f"regions-{seed}"
        self.random = random.Random(self.seed)
        self.schedule = Schedule()
        self.sites = {
            name: Site(name, [each for each in NAMES if each != name], self.schedule, self.seed)
            for name in NAMES
        }
        losses = self.random.choice((0.0, 0.02, 0.2))
        self.links = Links(self.sites["a"].faults, self.random, losses)
        self.accepted: list[Accepted] = []
        self.counts: dict[str, int] = {}
        self.calm = False
        self.over = False
        """Nobody is started again."""
        self._nodes: list[Node] = []
        self._bridges: list[tuple[str, Node]] = []
        self._lives = 0

    # ── who lives ─────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        for site in self.sites.values():
            self.start_gateway(site)
            self._begin(f"runner-{site.name}", site.runner_life)
        for _ in range(self.random.choice((1, 1, 2))):
            for name in NAMES:
                self.start_bridge(name)
        self.schedule.after(self.random.uniform(0.5, 4.0), self._mishap)

    def _node(self, name: str) -> Node:
        self._lives += 1
        node = Node(f"{name}-{self._lives}", self.schedule, self.seed)
        self._nodes.append(node)
        return node

    def _begin(self, name: str, life: Life) -> Node:
        node = self._node(name)
        node.begin(life(node), lambda error: node.broken.append(f"{node.name}: {error!r}"))
        return node

    def start_gateway(self, site: Site) -> None:
        if self.over:
            return
        node = self._node(f"gateway-{site.name}")
        site.node, site.dock = node, None

        def ready() -> None:
            if not self.calm:
                task = node.loop.create_task(self._users(site, node))
                task.add_done_callback(lambda done: done.cancelled() or done.exception())

        node.begin(
            site.gateway_life(node, ready),
            lambda error: node.broken.append(f"{node.name}: {error!r}"),
        )

    def start_bridge(self, name: str) -> None:
        """Of one region, with each of the others."""
        if self.over:
            return
        node = self._node(f"bridge-{name}")
        self._bridges.append((name, node))

        async def life() -> None:
            async with asyncio.TaskGroup() as tasks:
                for other in NAMES:
                    if other != name:
                        for start, end in ((name, other), (other, name)):
                            crossing = Crossing(
                                start,
                                FarDock(self.links, node, name, self.sites[start]),
                                end,
                                FarDock(self.links, node, name, self.sites[end]),
                                self.sites[name].settings,
                                node.random,
                            )
                            tasks.create_task(crossing.run())

        node.begin(life(), lambda error: node.broken.append(f"{node.name}: {error!r}"))

    # ── what users do ─────────────────────────────────────────────────────────────────────────────

    async def _users(self, site: Site, node: Node) -> None:
        """Submit here and there, cancel what runs anywhere, until it is enough or the node dies."""
        source = node.random
        while self.schedule.now < BUSY_SECONDS:
            await asyncio.sleep(source.uniform(0.0, 2.0))
            home = source.choice(NAMES)
            task_id = f"{home}-{source.randrange(12)}"
            if source.random() < 0.3:
                pending = [each for each in self._pending() if source.random() < 0.5]
                task_id = source.choice([*pending, task_id])
                order = RootHandedOver(actor=USER, to=site.name)
                began_in = task_id.partition("-")[0]
                await self._say(site, node, site.home_of(task_id, began_in), order, task_id)
                continue
            if source.random() < 0.4:
                wait_seconds = source.choice((0, 0, 5, 20))
                not_before = node.world.now() + timedelta(seconds=wait_seconds)
                submission = TaskSubmitted(
                    actor=USER,
                    kind="k",
                    region=home,
                    not_before=not_before if wait_seconds else None,
                )
                await self._say(site, node, home, submission, task_id)
                continue
            now = node.world.now()
            expires_at = None
            if source.random() < 0.2:
                expires_at = now + timedelta(seconds=source.uniform(0, 5))
            cancel = CancelRequested(
                actor=USER, hold_until=now + timedelta(seconds=600), expires_at=expires_at
            )
            await self._say(site, node, site.home_of(task_id, home), cancel, task_id)

    def _pending(self) -> list[str]:
        """Somewhere."""
        return sorted(
            task.id
            for site in self.sites.values()
            for root in site.roots.values()
            for task in root.tasks.values()
            if task.status is Status.PENDING
        )

    async def _say(self, site: Site, node: Node, home: str, request: Request, task_id: str) -> None:
        if home == site.name and isinstance(request, RootHandedOver):
            return
        body: HistoryBody = request if home == site.name else addressed(request, home)
        assert site.voice is not None
        event = site.voice.event(body, subject=task_id, organization=ORGANIZATION)
        await site.voice.say(event)
        refused = site.first[event.id].outcome.verdict is Verdict.VOID
        if home != site.name and not refused:
            self.accepted.append(Accepted(site.name, home, event))

    # ── what goes wrong ───────────────────────────────────────────────────────────────────────────

    def _mishap(self) -> None:
        if self.calm:
            return
        source = self.random
        what = source.choice(("cut one", "cut both", "gateway", "bridge", "bridge", "nothing"))
        one, other = source.sample(NAMES, 2)
        self.counts[what] = self.counts.get(what, 0) + 1
        if what.startswith("cut"):
            ways = {(one, other)} if what == "cut one" else {(one, other), (other, one)}
            self.links.cut |= ways
            self.schedule.after(source.uniform(1.0, 15.0), self._mend, ways)
        elif what == "gateway":
            site = self.sites[one]
            if site.node is not None:
                site.node.die()
            site.dock = None
            self.schedule.after(source.uniform(0.1, 5.0), self.start_gateway, site)
        elif what == "bridge":
            name, node = source.choice(self._bridges)
            if not node.dead:
                node.die()
                self.schedule.after(source.uniform(0.1, 5.0), self.start_bridge, name)
        self.schedule.after(source.uniform(0.5, 4.0), self._mishap)

    def _mend(self, ways: set[tuple[str, str]]) -> None:
        self.links.cut -= ways

    # ── the end ───────────────────────────────────────────────────────────────────────────────────

    def calm_down(self) -> None:
        self.calm = True
        for site in self.sites.values():
            site.faults.calm = True
            site.history.is_back()

    def require(self, kept: bool, broken: str) -> None:
        if not kept:
            raise Broken(f"seed {self.seed}: {broken}")

    def let_pass(self, seconds: float) -> None:
        end = self.schedule.now + seconds
        while self.schedule.now < end:
            self.schedule.run_until(min(self.schedule.now + 0.5, end))
            broken = [error for node in self._nodes if not node.dead for error in node.broken]
            self.require(not broken, "; ".join(broken))

    def bury(self) -> None:
        self.calm = self.over = True
        for node in self._nodes:
            node.bury()
        for site in self.sites.values():
            site.database.dispose()
