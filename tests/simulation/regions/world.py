"""Three regions from one seed: users everywhere, cuts, kills; then the calm, and what must hold."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

import stamina

from events.body import Actor
from events.cancel_events import CancelRequested
from events.event import Event
from events.region_events import RequestAddressed, RootHandedOver
from events.state import Root
from events.task_events import TaskSubmitted
from events.vocabulary import HistoryBody
from events.words import Reason, Status, Verdict
from services.bridge.crossing import Crossing
from services.control_store import region_news
from services.operations.abroad import accepted_receipt, as_decided
from services.operations.forwarding import follow
from services.regions.addressing import Request, addressed, delivered_id
from services.regions.moves import taken_over_id
from tests.simulation.node import Node
from tests.simulation.promises import Broken
from tests.simulation.regions.links import FarDock, Links
from tests.simulation.regions.site import ORGANIZATION, Site
from tests.simulation.schedule import Schedule

BUSY_SECONDS = 12.0
DRAIN_SECONDS = 120.0
NAMES = ("a", "b", "c")
USER = Actor(kind="user", id="ada", organization=ORGANIZATION, authenticated_by="api_key")


Life: TypeAlias = Callable[[Node], Coroutine[Any, Any, None]]
Answer = TypeVar("Answer")


class Accepted(NamedTuple):
    """A request that a user was told is durable."""

    at: str
    home: str
    event: Event


class RegionsWorld:
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

    def unsettled(self) -> list[str]:
        found = [
            f"{each.event.subject} of {each.at} isn't in {each.home}"
            for each in self.accepted
            if delivered_id(each.event.id) not in self.sites[each.home].first
        ]
        for site in self.sites.values():
            for judged, to in site.forwarded():
                if delivered_id(judged.event.id) not in self.sites[to].first:
                    found.append(f"{judged.event.subject} isn't forwarded from {site.name} to {to}")
            for handed, to in site.handed_over():
                if taken_over_id(handed.event.id) not in self.sites[to].first:
                    found.append(f"{handed.event.subject} of {site.name} isn't in {to}")
            for root in site.roots.values():
                found += [
                    f"{task.id} is {task.status} in {site.name}"
                    for task in root.tasks.values()
                    if not task.finished
                ]
            with site.database.begin() as connection:
                known = {each.region: each for each in region_news.all_of_them(connection)}
            for other in NAMES:
                reached = known[other].frontier if other in known else None
                if other != site.name and reached != self.sites[other].history.end():
                    found.append(f"{site.name} doesn't know all of {other}")
        return found

    def require(self, kept: bool, broken: str) -> None:
        if not kept:
            raise Broken(f"seed {self.seed}: {broken}")

    def check(self) -> None:
        self._check_decided_once()
        self._check_refused()
        self._check_nowhere_twice()
        self._check_moves()
        for site in self.sites.values():
            for other in NAMES:
                if other != site.name:
                    self._check_copy(site, self.sites[other])

    def _check_decided_once(self) -> None:
        for accepted in self.accepted:
            home, id = self.sites[accepted.home], delivered_id(accepted.event.id)
            said = [each.outcome for each in home.judged if each.event.id == id]
            label = f"{accepted.event.subject} {said[0].verdict} {said[0].reason}"
            word = type(home.first[id].event.data).__name__
            name = f"{word} {said[0].verdict}{' ' + said[0].reason if said[0].reason else ''}"
            self.counts[name] = self.counts.get(name, 0) + 1
            self.counts["repeats"] = self.counts.get("repeats", 0) + len(said) - 1
            again = [each for each in said[1:] if each.verdict is not Verdict.VOID]
            self.require(not again, f"{label} was decided again: {again}")
        for site in self.sites.values():
            told = {delivered_id(each.event.id) for each in self.accepted}
            for each in site.judged:
                body = each.event.data
                if isinstance(body, CancelRequested) and body.accepted_at is not None:
                    unknown = each.event.id not in told
                    if unknown:  # It was durable, and its gateway died before it could say so.
                        self.require(self._is_in_a_log(each.event), f"nobody asked: {each.event}")

    def _check_refused(self) -> None:
        """What was refused where it was asked isn't done elsewhere."""
        for site in self.sites.values():
            for each in site.first.values():
                body = each.event.data
                if isinstance(body, RequestAddressed) and each.outcome.verdict is Verdict.VOID:
                    self.counts["refused"] = self.counts.get("refused", 0) + 1
                    there = self.sites[body.home].first
                    done = delivered_id(each.event.id) in there
                    self.require(not done, f"{each.event.subject} was refused in {site.name}")

    def _is_in_a_log(self, event: Event) -> bool:
        return any(
            delivered_id(each.event.id) == event.id
            for site in self.sites.values()
            for each in site.judged
            if isinstance(each.event.data, RequestAddressed) or each.outcome.reason is Reason.MOVED
        )

    def _check_nowhere_twice(self) -> None:
        for one in NAMES:
            for other in NAMES:
                both = self.sites[one].started & self.sites[other].started
                self.require(one == other or not both, f"{both} ran in {one} and {other}")
        for site in self.sites.values():
            for root in site.roots.values():
                for task in root.tasks.values():
                    stopped = task.status is Status.CANCELLED and task.evidence is not None
                    self.require(
                        stopped or task.status is not Status.CANCELLED, f"{task.id}: no evidence"
                    )

    def _check_moves(self) -> None:
        """What was handed over was taken over, once; everything has one home, or never began."""
        for site in self.sites.values():
            for handed, to in site.handed_over():
                id = taken_over_id(handed.event.id)
                said = [each.outcome for each in self.sites[to].judged if each.event.id == id]
                took = [each for each in said if each.verdict is Verdict.EFFECTIVE]
                self.require(len(took) == 1, f"{handed.event.subject} to {to}: {said}")
                self.counts["moves"] = self.counts.get("moves", 0) + 1
            for judged, _ in site.forwarded():
                name = f"forwarded {type(judged.event.data).__name__}"
                self.counts[name] = self.counts.get(name, 0) + 1
        keys = {key for site in self.sites.values() for key in site.roots}
        for key in keys:
            roots = [site.roots[key] for site in self.sites.values() if key in site.roots]
            homes = sum(root.home is None and bool(root.tasks) for root in roots)
            begun = any(root.tasks for root in roots)
            self.require(homes == begun, f"{key} is decided in {homes} regions")
            submitted = max((root.moves for root in roots), default=0)
            if submitted > 1:
                self.counts["moved again"] = self.counts.get("moved again", 0) + 1

    def _check_copy(self, site: Site, home: Site) -> None:
        """It is what the home region's log says, and so are all receipts."""
        with site.database.begin() as connection:
            for key, root in list(home.roots.items()):
                root_id = key.partition("/")[2]
                lines = region_news.of_root(connection, ORGANIZATION, home.name, root_id, 10_000)
                there = [
                    each
                    for each in home.judged
                    if each.event.key == key and not isinstance(each.event.data, RequestAddressed)
                ]
                same = [(each.value, each.verdict) for each in lines] == [
                    (each.record.value, str(each.outcome.verdict)) for each in there
                ]
                self.require(same, f"{site.name}'s copy of {home.name}'s {root_id} differs")
                self._check_receipts(site, home, root_id, root)

    def _check_receipts(self, site: Site, home: Site, root_id: str, root: Root) -> None:
        copies = site.copies
        if copies is None:
            return
        node = site.node
        assert node is not None
        shown = run_now(node, copies.of(ORGANIZATION, home.name, root_id), self.schedule)
        for accepted in self.accepted:
            event, body = accepted.event, accepted.event.data
            if (accepted.at, accepted.home) != (site.name, home.name) or event.subject != root_id:
                continue
            assert isinstance(body, RequestAddressed)
            if body.request != CancelRequested.TYPE:
                continue
            place = site.first[event.id].record.position
            first = home.first[delivered_id(event.id)]
            if first.outcome.reason is Reason.MOVED:
                self._check_forwarded(site, home.name, event, node)
                continue
            receipt = as_decided(accepted_receipt(event, place, body), shown)
            self.require(
                (receipt.verdict, receipt.reason) == (first.outcome.verdict, first.outcome.reason),
                f"the receipt of {event.subject} in {site.name} says {receipt.verdict}",
            )
            task = root.tasks.get(root_id)
            if task is not None:
                self.require(receipt.status is task.status, f"{root_id}: {receipt.status}")
            if receipt.reason is Reason.EXPIRED:
                self.counts["expired"] = self.counts.get("expired", 0) + 1

    def _check_forwarded(self, site: Site, home: str, event: Event, node: Node) -> None:
        """Who follows a request finds the verdict of the region that had its root when it came."""
        copies = site.copies
        assert copies is not None

        async def onward(event_id: UUID) -> str | None:
            return site.sent_on(event_id)

        found = run_now(
            node,
            follow(
                home,
                delivered_id(event.id),
                here=site.name,
                copy_of=lambda region: copies.of(ORGANIZATION, region, event.subject),
                onward=onward,
            ),
            self.schedule,
        )
        end = self.sites[found.region].first[found.event_id]
        self.require(end.outcome.reason is not Reason.MOVED, f"{event.subject} is still on its way")
        said = end.outcome.verdict if found.line is None else found.line.outcome.verdict
        self.require(said is end.outcome.verdict, f"{event.subject}: {said} in {found.region}")
        self.counts["followed"] = self.counts.get("followed", 0) + 1

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


def run_now(node: Node, work: Coroutine[Any, Any, Answer], schedule: Schedule) -> Answer:
    task = node.within(lambda: node.loop.create_task(work))
    while not task.done():
        schedule.run_until(schedule.now + 0.05)
    answer: Answer = task.result()
    return answer


def simulate(seed: int) -> dict[str, int]:
    """Everything that happens with this seed; raises at the first promise that is broken."""
    stamina.instrumentation.set_on_retry_hooks([])
    world = RegionsWorld(seed)
    try:
        world.begin()
        world.let_pass(BUSY_SECONDS)
        world.calm_down()
        end = world.schedule.now + DRAIN_SECONDS
        while stuck := world.unsettled():
            world.require(world.schedule.now < end, f"in the calm: {stuck[:5]}")
            world.let_pass(1.0)
        world.check()
        return world.counts
    finally:
        world.bury()
        stamina.instrumentation.set_on_retry_hooks(None)
