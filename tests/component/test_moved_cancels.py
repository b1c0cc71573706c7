"""A cancel that its own gateway lets pass, and that the log judges after its task has moved."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from events.cancel_events import CancelRequested
from events.event import Event, decode
from events.log import Message
from events.positions import Position
from events.region_events import RootHandedOver
from events.words import Verdict
from services.composition import make_embedded
from services.control_store.api_keys import create_key
from services.embedded import Embedded, run_embedded
from services.executor.settings import ExecutorSettings
from services.regions.addressing import delivered_id
from services.regions.delivering import sent_on
from services.regions.moves import taken_over
from services.regions.parcels import Parcel
from services.regions.settings import RegionAddress, RegionSettings
from services.settings import GatewaySettings, Settings
from services.world import real_world
from tests.builders import nothing_yet
from tests.builders.actors import START, USER
from tests.builders.parcels import line
from tests.component.stage import Held

PATIENCE_SECONDS = 30.0
PATH = "/countermand/v1/tasks/roams"


class Region(NamedTuple):
    """Region a, in this process; whether its gateways' appends go through is ours to say."""

    service: Embedded
    http: httpx.AsyncClient
    held: Held
    """Its next cancel."""

    async def event(self, body: type) -> Event:
        """The first of its kind in the log."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for records in self.service.history.follow({}):
                for record in records:
                    event = decode(record.value)
                    if isinstance(event.data, body):
                        return event
        raise AssertionError("a log never ends")

    async def hears(self, *events: Event, verdict: Verdict, start: int = 0) -> None:
        """What region b says of it."""
        dock = self.service.desk.dock
        assert dock is not None
        lines = [line(event, start + n, verdict) for n, event in enumerate(events)]
        end = f"0:{start + len(lines)}"
        await dock.take(
            Parcel(source="b", start=f"0:{start}", end=end, read_at=START, lines=tuple(lines))
        )


@pytest.fixture
async def region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Region]:
    b = RegionAddress.model_validate({"url": "http://127.0.0.1:9", "key": "none"})
    settings = Settings(
        data=tmp_path,
        region="a",
        gateway=GatewaySettings(port=0),
        executor=ExecutorSettings(isolated_hosts_ready=0),
        regions=RegionSettings(others={"b": b}),
    )
    world, stopping = real_world(), asyncio.Event()
    where: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with AsyncExitStack() as opened:
        service = await make_embedded(settings, world, opened)
        held = gated(service, monkeypatch)
        key = await service.store.ask(
            partial(
                create_key,
                id=str(world.new_id()),
                organization=USER.organization,
                role="admin",
                now=world.now(),
                created_by="test",
            )
        )
        running = asyncio.create_task(run_embedded(service, stopping, where.set_result))
        async with asyncio.timeout(PATIENCE_SECONDS):
            url = await where
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as http:
            yield Region(service, http, held)
        stopping.set()
        await running


def gated(service: Embedded, monkeypatch: pytest.MonkeyPatch) -> Held:
    held, append = Held(CancelRequested), service.history.append

    async def later(messages: Sequence[Message]) -> Sequence[Position]:
        if any(isinstance(decode(each.value).data, held.body) for each in messages):
            held.arrived.set()
            await held.free.wait()
        return await append(messages)

    monkeypatch.setattr(service.history, "append", later)
    return held


async def test_a_cancel_that_comes_after_the_move_is_answered_with_where_it_goes(
    region: Region,
) -> None:
    # Nobody in a may run it.
    task = {"id": "roams", "kind": "sleep", "region": "nowhere"}
    (await region.http.post("/countermand/v1/tasks", json=task)).raise_for_status()
    headers = {"prefer": "wait=30"}
    asking = asyncio.create_task(region.http.post(f"{PATH}/cancel", json={}, headers=headers))
    # Its gateway found the task pending, and lets it pass. Before it is in the log, the task moves.
    await region.held.there()
    order = nothing_yet("roams").addressed(RootHandedOver(actor=USER, to="b"), home="a").events[-1]
    await region.hears(order, verdict=Verdict.NOTED)
    handed = await region.event(RootHandedOver)
    region.held.let_go()
    cancel = await region.event(CancelRequested)
    # Then b says what it has taken over, and what it has decided.
    arrived = sent_on(line(cancel, 0), START).event
    assert arrived is not None
    taken = taken_over(handed, "a", "b", START)
    await region.hears(taken, arrived, verdict=Verdict.EFFECTIVE, start=1)

    answer = await asking

    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    assert (receipt["verdict"], receipt["evidence"]) == ("effective", "never_started")
    assert receipt["event_id"] == str(cancel.id)
    assert receipt["home"]["region"] == "b"
    assert receipt["home"]["event_id"] == str(delivered_id(cancel.id))
    history = (await region.http.get("/countermand/v1/history")).json()["items"]
    (here,) = [x for x in history if x["event"]["id"] == str(cancel.id)]
    assert (here["verdict"], here["reason"]) == ("void", "moved")


async def test_until_its_new_home_has_said_something_it_is_undecided(region: Region) -> None:
    task = {"id": "roams", "kind": "sleep", "region": "nowhere"}
    (await region.http.post("/countermand/v1/tasks", json=task)).raise_for_status()
    headers = {"prefer": "respond-async"}
    asking = asyncio.create_task(region.http.post(f"{PATH}/cancel", json={}, headers=headers))
    await region.held.there()
    order = nothing_yet("roams").addressed(RootHandedOver(actor=USER, to="b"), home="a").events[-1]
    await region.hears(order, verdict=Verdict.NOTED)
    region.held.let_go()

    answer = await asking

    assert answer.status_code == 202, answer.text
    assert answer.json()["verdict"] == "undecided"
    assert answer.json()["home"]["region"] == "b"
