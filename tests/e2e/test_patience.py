"""What readers are told while something is late: that a read is behind, a stream still alive."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

from events.positions import Position, covers, read_frontier
from services.projecting.lives import LOCK
from services.read_models.generations import FOLDER
from tests.e2e.asking import project, waiting
from tests.e2e.problems import refused
from tests.e2e.running import Running, up

BEHIND, AFTER = "countermand-behind", "countermand-after"
IMPATIENT = {
    "COUNTERMAND_GATEWAY__READ_WAIT_SECONDS": "0.2",
    "COUNTERMAND_GATEWAY__STREAM_HEARTBEAT_SECONDS": "0.2",
}
CAUGHT_UP_SECONDS = 30.0
FAR = "0:1000000"
"""Nobody has been told of anything there."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("patience"), environment=IMPATIENT) as running:
        yield running


@pytest.fixture
def http(service: Running) -> Iterator[httpx.Client]:
    with service.http() as client:
        yield client


@contextmanager
def stands_still(service: Running) -> Iterator[None]:
    """Whoever writes the read models."""
    projector = psutil.Process(int((service.data / FOLDER / LOCK).read_text()))
    projector.suspend()
    try:
        yield
    finally:
        projector.resume()


def until_caught_up(http: httpx.Client, path: str) -> httpx.Response:
    deadline = time.monotonic() + CAUGHT_UP_SECONDS
    while BEHIND in (answer := http.get(path)).headers:
        assert time.monotonic() < deadline, "the read models don't follow"
    return answer


def test_a_read_after_a_write_shows_it_on_every_way_of_reading(http: httpx.Client) -> None:
    for _ in range(10):
        task_id = waiting(http)
        for status, cancelled in (("pending", False), ("cancelled", True)):
            if cancelled:
                assert http.post(f"/tasks/{task_id}/cancel").status_code == 200
            assert http.get(f"/tasks/{task_id}").json()["status"] == status
            listed = until_caught_up(http, f"/tasks?root={task_id}").json()["items"]
            assert [each["status"] for each in listed] == [status]
            lines = until_caught_up(http, f"/tasks/{task_id}/history").json()["items"]
            assert lines[-1]["status"] == status


def test_a_read_that_gave_up_says_what_it_should_have_shown(
    service: Running, http: httpx.Client
) -> None:
    with stands_still(service):
        task = http.post("/tasks", json={"kind": "sleep", "not_before": "2099-01-01T00:00:00Z"})
        task_id, position = task.json()["id"], task.json()["position"]
        late = [f"/tasks?root={task_id}", f"/history?root={task_id}", "/projects"]
        for path in late:
            answer = http.get(path)
            assert (answer.status_code, answer.json()["items"]) == (200, []), path
            assert covers(read_frontier(answer.headers[BEHIND]), at(position)), path
        # What this process has judged itself, it shows itself.
        one = http.get(f"/tasks/{task_id}")
        assert (one.json()["status"], BEHIND in one.headers) == ("pending", False)
    for path in late[:2]:
        assert task_id in until_caught_up(http, path).text


def at(position: str) -> Position:
    partition, _, offset = position.partition(":")
    return Position(int(partition), int(offset))


def test_what_a_caller_was_told_elsewhere_is_waited_for(http: httpx.Client) -> None:
    """By another gateway: its word is in a header, and so is what there was to wait for."""
    made = project(http)["id"]
    task = http.get(f"/tasks/{made}.first").json()
    told = f"0:{at(task['position']).offset + 1}"
    paths = ("/tasks", f"/tasks/{made}.first", f"/projects/{made}", "/projects", "/history")
    for path in paths:
        until_caught_up(http, path)
        assert BEHIND not in http.get(path, headers={AFTER: told}).headers, path
        assert http.get(path, headers={AFTER: FAR}).headers.get(BEHIND) == FAR, path
    refused(http.get("/tasks", headers={AFTER: "yesterday"}), 422, "invalid")


@pytest.mark.parametrize("path", ["/stream", "/tasks/{id}.first/stream", "/projects/{id}/stream"])
def test_a_stream_of_which_nothing_is_said_beats(http: httpx.Client, path: str) -> None:
    made = project(http)["id"]
    with http.stream("GET", path.format(id=made), params={"start": "now"}, timeout=30) as lines:
        told = lines.iter_lines()
        assert next(told).startswith(":")  # it is open
        began = time.monotonic()
        comments = [line for line in (next(told) for _ in range(6)) if line]
        assert set(comments) == {": still here"}
        assert time.monotonic() - began < CAUGHT_UP_SECONDS
