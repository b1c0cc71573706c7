"""What must hold among regions in the calm: decided once, at home, and told alike elsewhere."""

from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

from events.cancel_events import CancelRequested
from events.event import Event
from events.region_events import RequestAddressed
from events.state import Root
from events.words import Reason, Status, Verdict
from services.control_store import region_news
from services.operations.abroad import accepted_receipt, as_decided
from services.operations.forwarding import follow
from services.regions.addressing import delivered_id
from services.regions.moves import taken_over_id
from tests.simulation.node import Node
from tests.simulation.regions.site import ORGANIZATION, Site
from tests.simulation.regions.world import NAMES, RegionsWorld
from tests.simulation.schedule import Schedule

Answer = TypeVar("Answer")


def check(world: RegionsWorld) -> None:
    _check_decided_once(world)
    _check_refused(world)
    _check_nowhere_twice(world)
    _check_moves(world)
    for site in world.sites.values():
        for other in NAMES:
            if other != site.name:
                _check_copy(world, site, world.sites[other])


def _check_decided_once(world: RegionsWorld) -> None:
    for accepted in world.accepted:
        home, id = world.sites[accepted.home], delivered_id(accepted.event.id)
        said = [each.outcome for each in home.judged if each.event.id == id]
        label = f"{accepted.event.subject} {said[0].verdict} {said[0].reason}"
        word = type(home.first[id].event.data).__name__
        name = f"{word} {said[0].verdict}{' ' + said[0].reason if said[0].reason else ''}"
        world.counts[name] = world.counts.get(name, 0) + 1
        world.counts["repeats"] = world.counts.get("repeats", 0) + len(said) - 1
        again = [each for each in said[1:] if each.verdict is not Verdict.VOID]
        world.require(not again, f"{label} was decided again: {again}")
    for site in world.sites.values():
        told = {delivered_id(each.event.id) for each in world.accepted}
        for each in site.judged:
            body = each.event.data
            if isinstance(body, CancelRequested) and body.accepted_at is not None:
                unknown = each.event.id not in told
                if unknown:  # It was durable, and its gateway died before it could say so.
                    world.require(_is_in_a_log(world, each.event), f"nobody asked: {each.event}")


def _check_refused(world: RegionsWorld) -> None:
    """What was refused where it was asked isn't done elsewhere."""
    for site in world.sites.values():
        for each in site.first.values():
            body = each.event.data
            if isinstance(body, RequestAddressed) and each.outcome.verdict is Verdict.VOID:
                world.counts["refused"] = world.counts.get("refused", 0) + 1
                there = world.sites[body.home].first
                done = delivered_id(each.event.id) in there
                world.require(not done, f"{each.event.subject} was refused in {site.name}")


def _is_in_a_log(world: RegionsWorld, event: Event) -> bool:
    return any(
        delivered_id(each.event.id) == event.id
        for site in world.sites.values()
        for each in site.judged
        if isinstance(each.event.data, RequestAddressed) or each.outcome.reason is Reason.MOVED
    )


def _check_nowhere_twice(world: RegionsWorld) -> None:
    for one in NAMES:
        for other in NAMES:
            both = world.sites[one].started & world.sites[other].started
            world.require(one == other or not both, f"{both} ran in {one} and {other}")
    for site in world.sites.values():
        for root in site.roots.values():
            for task in root.tasks.values():
                stopped = task.status is Status.CANCELLED and task.evidence is not None
                world.require(
                    stopped or task.status is not Status.CANCELLED, f"{task.id}: no evidence"
                )


def _check_moves(world: RegionsWorld) -> None:
    """What was handed over was taken over, once; everything has one home, or never began."""
    for site in world.sites.values():
        for handed, to in site.handed_over():
            id = taken_over_id(handed.event.id)
            said = [each.outcome for each in world.sites[to].judged if each.event.id == id]
            took = [each for each in said if each.verdict is Verdict.EFFECTIVE]
            world.require(len(took) == 1, f"{handed.event.subject} to {to}: {said}")
            world.counts["moves"] = world.counts.get("moves", 0) + 1
        for judged, _ in site.forwarded():
            name = f"forwarded {type(judged.event.data).__name__}"
            world.counts[name] = world.counts.get(name, 0) + 1
    keys = {key for site in world.sites.values() for key in site.roots}
    for key in keys:
        roots = [site.roots[key] for site in world.sites.values() if key in site.roots]
        homes = sum(root.home is None and bool(root.tasks) for root in roots)
        begun = any(root.tasks for root in roots)
        world.require(homes == begun, f"{key} is decided in {homes} regions")
        submitted = max((root.moves for root in roots), default=0)
        if submitted > 1:
            world.counts["moved again"] = world.counts.get("moved again", 0) + 1


def _check_copy(world: RegionsWorld, site: Site, home: Site) -> None:
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
            world.require(same, f"{site.name}'s copy of {home.name}'s {root_id} differs")
            _check_receipts(world, site, home, root_id, root)


def _check_receipts(world: RegionsWorld, site: Site, home: Site, root_id: str, root: Root) -> None:
    copies = site.copies
    if copies is None:
        return
    node = site.node
    assert node is not None
    shown = run_now(node, copies.of(ORGANIZATION, home.name, root_id), world.schedule)
    for accepted in world.accepted:
        event, body = accepted.event, accepted.event.data
        if (accepted.at, accepted.home) != (site.name, home.name) or event.subject != root_id:
            continue
        assert isinstance(body, RequestAddressed)
        if body.request != CancelRequested.TYPE:
            continue
        place = site.first[event.id].record.position
        first = home.first[delivered_id(event.id)]
        if first.outcome.reason is Reason.MOVED:
            _check_forwarded(world, site, home.name, event, node)
            continue
        receipt = as_decided(accepted_receipt(event, place, body), shown)
        world.require(
            (receipt.verdict, receipt.reason) == (first.outcome.verdict, first.outcome.reason),
            f"the receipt of {event.subject} in {site.name} says {receipt.verdict}",
        )
        task = root.tasks.get(root_id)
        if task is not None:
            world.require(receipt.status is task.status, f"{root_id}: {receipt.status}")
        if receipt.reason is Reason.EXPIRED:
            world.counts["expired"] = world.counts.get("expired", 0) + 1


def _check_forwarded(world: RegionsWorld, site: Site, home: str, event: Event, node: Node) -> None:
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
        world.schedule,
    )
    end = world.sites[found.region].first[found.event_id]
    world.require(end.outcome.reason is not Reason.MOVED, f"{event.subject} is still on its way")
    said = end.outcome.verdict if found.line is None else found.line.outcome.verdict
    world.require(said is end.outcome.verdict, f"{event.subject}: {said} in {found.region}")
    world.counts["followed"] = world.counts.get("followed", 0) + 1


def run_now(node: Node, work: Coroutine[Any, Any, Answer], schedule: Schedule) -> Answer:
    task = node.within(lambda: node.loop.create_task(work))
    while not task.done():
        schedule.run_until(schedule.now + 0.05)
    answer: Answer = task.result()
    return answer
