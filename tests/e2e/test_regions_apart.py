"""Three regions in network namespaces: delay, loss, cuts in one direction and both, and kills."""

import asyncio
import os
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.e2e.regions import RegionalService, RunningBridge, start_all
from tests.e2e.wires import Wires, wired
from tests.proof_size import count
from tests.tallies import Tally

NAMES = ("a", "b", "c")
CALL_SECONDS = 20.0
AFTERWARDS_SECONDS = 120.0
QUICK = {"pause_limit_seconds": 1.0, "call_seconds": 3.0, "parcel_wait_seconds": 1.0}

pytestmark = [
    pytest.mark.prove,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]


class Accepted(NamedTuple):
    """What a caller was told."""

    at: str
    task_id: str
    receipt: dict[str, Any]


class Apart:
    """Three regions, their bridges, and the wire between them."""

    def __init__(self, folder: Path, wires: Wires) -> None:
        self.wires = wires
        self.services = {name: self._service(folder / name, name) for name in NAMES}
        for name, service in self.services.items():
            service.knows([each for each in self.services.values() if each.name != name])
        self.bridges = {name: self._bridge(name) for name in NAMES}
        self.accepted: list[Accepted] = []
        self.submitted: set[str] = set()

    def _service(self, folder: Path, name: str) -> RegionalService:
        service = RegionalService(folder, name, host=self.wires.address(name))
        service.within = ("ip", "netns", "exec", self.wires.namespace(name))
        return service

    def _bridge(self, name: str) -> RunningBridge:
        """With those behind it in the alphabet; the last has the first one as well, too."""
        others = [each for each in NAMES if each > name] or [NAMES[0]]
        return RunningBridge(self.services[name], [self.services[each] for each in others], **QUICK)

    def client(self, name: str) -> httpx.AsyncClient:
        service = self.services[name]
        return httpx.AsyncClient(
            base_url=f"{service.address['url']}/countermand/v1",
            headers={"authorization": f"Bearer {service.key}", "prefer": "respond-async"},
            timeout=CALL_SECONDS,
        )


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    with wired(*NAMES) as wires:
        regions = Apart(tmp_path, wires)
        try:
            start_all(*regions.services.values())
            for bridge in regions.bridges.values():
                bridge.start()
            yield regions
        finally:
            for bridge in regions.bridges.values():
                bridge.stop()
            for service in regions.services.values():
                service.stop()


async def test_what_any_region_accepts_its_home_decides_once(apart: Apart, tally: Tally) -> None:
    source, seconds = random.Random(), count(small=6, full=120)
    apart.wires.delay_seconds, apart.wires.loss = 0.02, 0.02
    async with asyncio.TaskGroup() as tasks:
        end = time.monotonic() + seconds
        users = [tasks.create_task(use(apart, name, end, source)) for name in NAMES]
        tasks.create_task(cut(apart.wires, end, source))
        tasks.create_task(kill(apart, end, source))
    assert all(user.done() for user in users)
    apart.wires.cut, apart.wires.loss = set(), 0.0

    assert len(apart.accepted) > seconds / 4
    receipts = await decided(apart)
    histories = {name: await history(apart, name) for name in NAMES}
    check_homes(receipts, histories)
    check_runs(histories)
    tally(f"{len(receipts)} cancels accepted for another region in {seconds} s of cuts and kills")


async def use(apart: Apart, name: str, end: float, source: random.Random) -> None:
    """Submit tasks here, cancel others anywhere; who gets no answer knows nothing."""
    number = 0
    async with apart.client(name) as http:
        while time.monotonic() < end:
            await asyncio.sleep(source.uniform(0.05, 0.4))
            number += 1
            home = source.choice([each for each in NAMES if each != name])
            try:
                mine = {"id": f"{name}-{number}", "kind": "sleep", "payload": {"seconds": 2}}
                await http.post("/tasks", json=mine)
                # The newest may not be there yet: then the cancel waits for it.
                task_id = f"{home}-{max(1, number + source.randint(-6, 1))}"
                answer = await http.post(f"/tasks/{task_id}/cancel", json={"region": home})
            except httpx.HTTPError:
                continue
            if answer.status_code == httpx.codes.ACCEPTED:
                apart.accepted.append(Accepted(name, task_id, answer.json()))


async def cut(wires: Wires, end: float, source: random.Random) -> None:
    """One direction or both, for a while, again and again."""
    while time.monotonic() < end:
        one, other = source.sample(NAMES, 2)
        ways = {(one, other)} if source.random() < 0.5 else {(one, other), (other, one)}
        wires.cut = ways
        await asyncio.sleep(source.uniform(0.5, 4.0))
        wires.cut = set()
        await asyncio.sleep(source.uniform(0.1, 1.0))


async def kill(apart: Apart, end: float, source: random.Random) -> None:
    """Bridges often, whole services seldom. The first bridge is doubled for good."""
    double = apart.bridges[NAMES[0]].again()
    await asyncio.to_thread(double.start)
    while time.monotonic() < end:
        await asyncio.sleep(source.uniform(1.0, 4.0))
        victim = source.choice(list(apart.bridges.values()))
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)
        if source.random() < 0.3:
            service = source.choice(list(apart.services.values()))
            await asyncio.to_thread(service.kill)
            await asyncio.to_thread(service.start)
    await asyncio.to_thread(double.kill)


async def decided(apart: Apart) -> Sequence[tuple[Accepted, dict[str, Any]]]:
    """Of each accepted cancel the receipt, asked where it was accepted, once it is decided."""
    found = []
    for accepted in apart.accepted:
        async with apart.client(accepted.at) as http:
            where = f"/tasks/{accepted.task_id}/receipt"
            asked = {"event_id": accepted.receipt["event_id"], "wait": 15}
            end = time.monotonic() + AFTERWARDS_SECONDS
            while True:
                receipt = (await http.get(where, params=asked)).json()
                over = receipt["status"] in ("cancelled", "succeeded") or receipt["held_until"]
                # A second cancel of what never came, while the first one is held.
                over = over or (receipt["verdict"] == "void" and receipt["status"] is None)
                if receipt["verdict"] != "undecided" and over:
                    break
                assert time.monotonic() < end, f"accepted and not decided: {receipt}"
            assert receipt["position"] == accepted.receipt["position"]
            found.append((accepted, receipt))
    return found


async def history(apart: Apart, name: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    async with apart.client(name) as http:
        cursor = None
        while True:
            asked = {"limit": 500, **({"cursor": cursor} if cursor else {})}
            page = (await http.get("/history", params=asked)).json()
            lines += page["items"]
            if not page["items"] or page["next_cursor"] is None:
                return lines
            cursor = page["next_cursor"]


def check_homes(
    receipts: Sequence[tuple[Accepted, dict[str, Any]]],
    histories: dict[str, list[dict[str, Any]]],
) -> None:
    """Each was decided once by its home, and its receipt says what that has said."""
    for accepted, receipt in receipts:
        home = receipt["home"]
        lines = [x for x in histories[home["region"]] if x["event"]["id"] == home["event_id"]]
        assert lines, f"{accepted.task_id}: its home doesn't know it"
        first, *again = lines
        assert (first["verdict"], first["reason"]) == (receipt["verdict"], receipt["reason"])
        assert first["position"] == home["position"]
        assert {line["verdict"] for line in again} <= {"void"}
        ended = [
            line["status"]
            for line in histories[home["region"]]
            if line["about"] == accepted.task_id and line["status"] is not None
        ]
        if ended and not receipt["held_until"]:
            assert receipt["status"] == ended[-1]


def check_runs(histories: dict[str, list[dict[str, Any]]]) -> None:
    """No task ran in two regions, and none after its tombstone."""
    ran: dict[str, str] = {}
    for name, lines in histories.items():
        tombs: set[str] = set()
        for line in lines:
            type_tag, about = line["event"]["type"], line["about"]
            effective = line["verdict"] == "effective"
            if type_tag.startswith("countermand.cancel.requested") and effective:
                tombs |= {about} if line["status"] in (None, "cancelled") else set()
            if type_tag.startswith("countermand.task.started") and effective:
                assert about not in tombs, f"{about} ran after its tombstone"
                assert ran.setdefault(about, name) == name, f"{about} ran in two regions"
