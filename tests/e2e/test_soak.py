"""A service under steady load, with everything that listens: its memory stays flat.

Seconds: a few in `make test`, half a minute in `make prove`; a soak of a quarter of an hour is
`make soak COUNT=900 ARGS=tests/e2e/test_soak.py`, and what it measured is told at its end.
"""

import threading
import time
from itertools import count as numbers
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families as metric_families

from projections.memory import FINISHED_KEPT
from tests.e2e.receiver import Receiver
from tests.e2e.running import Running
from tests.e2e.test_webhooks import CANCEL, HERE, added
from tests.proof_size import count
from tests.tallies import Tally

CALLERS = 3
SAMPLES = 60
GROWTH_SHARE = 0.08
GROWTH_BYTES = 8_000_000
"""What the last third may have more than the one before: caches that aren't full yet."""
KEPT_TASKS = FINISHED_KEPT // 2
"""Finished tasks that the fold keeps at hand, each with its root; from then on nothing is added."""
KEPT_TASK_BYTES = 20_000
"""What one takes, in the service and in its projector together."""


@pytest.mark.prove
@pytest.mark.timeout(7200)
def test_memory_stays_flat_under_steady_load(tmp_path: Path, tally: Tally) -> None:
    seconds = count(small=3, full=30)
    receiver = Receiver()
    running = Running(tmp_path, environment=HERE)
    running.start()
    ended = threading.Event()
    done: list[int] = []
    busy = [
        threading.Thread(target=work, args=(running, number, ended, done))
        for number in range(CALLERS)
    ]
    try:
        with running.http() as http:
            added(http, receiver.url, CANCEL)
        for thread in busy:
            thread.start()
        sizes = watched(running, seconds, done, tally)
        ended.set()
        for thread in busy:
            thread.join()
        receiver.until(lambda: len({each.id for each in receiver.accepted()}) >= sum(done))
    finally:
        ended.set()
        assert running.stop() == 0, running.said()[-4000:]
        receiver.close()
    tally(f"{sum(done)} stops")
    at_hand = grown([min(each.stops, KEPT_TASKS) for each in sizes])
    for whose, bytes_ in (
        ("all processes", [each.all_processes for each in sizes]),
        ("of these, the projector", [each.projector for each in sizes]),
    ):
        before, last = grown(bytes_)
        filling = (at_hand.last - at_hand.before) * KEPT_TASK_BYTES
        tally(
            f"{whose}: middle third {before / 1e6:.1f} MB, last third {last / 1e6:.1f} MB; "
            f"tasks that are kept at hand may take {filling / 1e6:.1f} MB more"
        )
        assert last - before < GROWTH_SHARE * before + GROWTH_BYTES + filling


class Grown(NamedTuple):
    """Means of the last two thirds."""

    before: float
    last: float


def grown(figures: list[int]) -> Grown:
    third = len(figures) // 3
    return Grown(mean(figures[third : 2 * third]), mean(figures[2 * third :]))


class Sizes(NamedTuple):
    """Bytes in memory at one moment, and how many tasks had been stopped."""

    all_processes: int
    projector: int
    stops: int


def watched(running: Running, seconds: int, done: list[int], tally: Tally) -> list[Sizes]:
    """The memory of the service and all its processes, so many times; told now and then."""
    began = time.monotonic()
    sizes: list[Sizes] = []
    for number in range(1, SAMPLES + 1):
        time.sleep(max(0.0, began + seconds * number / SAMPLES - time.monotonic()))
        shown = scraped(running)
        projector = int(shown["countermand_projector_memory_bytes"])
        assert projector > 0
        assert shown["countermand_projector_restarts_total"] == 0, "a new one hides what grew"
        sizes.append(Sizes(whole(running.pid), projector, sum(done)))
        if number % 6 == 0:
            disk = sum(each.stat().st_size for each in running.data.rglob("*") if each.is_file())
            tally(
                f"{time.monotonic() - began:6.0f} s  {sizes[-1].all_processes / 1e6:6.1f} MB  "
                f"{projector / 1e6:6.1f} MB projector  "
                f"{sum(done):7} stops  {disk / 1e6:6.1f} MB on disk"
            )
    return sizes


def scraped(running: Running) -> dict[str, float]:
    """What has no labels."""
    answer = httpx.get(running.url + "/metrics", timeout=30)
    assert answer.status_code == 200
    samples = [sample for family in metric_families(answer.text) for sample in family.samples]
    return {sample.name: sample.value for sample in samples if not sample.labels}


def whole(pid: int) -> int:
    """What stands in memory of a process and of those below it, shared pages once for each."""
    size = 0
    service = psutil.Process(pid)
    for process in (service, *service.children(recursive=True)):
        try:
            size += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return size


def work(running: Running, caller: int, ended: threading.Event, done: list[int]) -> None:
    """Submit, cancel, look; again and again."""
    with running.http() as http:
        for number in numbers():
            if ended.is_set():
                return
            body = {"id": f"c{caller}-{number}", "kind": "sleep", "payload": {"seconds": 600}}
            assert http.post("/tasks", json=body).status_code == 201
            answer = http.post(f"/tasks/c{caller}-{number}/cancel", headers={"prefer": "wait=30"})
            assert answer.status_code == 200, answer.text
            done.append(1)
            if number % 20 == 0:
                http.get("/pulse")
                http.get("/tasks", params={"limit": 10})
