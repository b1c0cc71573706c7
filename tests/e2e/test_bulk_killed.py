"""kill -9 in the middle of a cancel of many tasks: after the restart it goes on to its end, and the
history has one request for each task, no more and no fewer."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.half_way import half_way
from tests.e2e.running import Running
from tests.proof_size import count
from tests.tallies import Tally

TASKS = 100
PER_SECOND = 500
PATIENCE_SECONDS = 60.0
SMALL_STEPS = {
    "COUNTERMAND_BULK__BATCH_TASKS": "40",
    "COUNTERMAND_BULK__STEP_TASKS": "8",
    "COUNTERMAND_LOG_LEVEL": "warning",
}


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_it_goes_on_without_repeating_or_leaving_out_anything(folder: Path, tally: Tally) -> None:
    chance = random.Random(7)
    running = Running(folder, environment=SMALL_STEPS)
    running.start()

    def kill(number: int) -> bool:
        mark = f"r{number}"
        with running.http() as http:
            job_id = begun(http, mark)
            until_requested(http, job_id, chance.randint(1, TASKS - 20))
        running.kill()
        killed_at = datetime.now(UTC)
        running.start()
        with running.http() as http:
            answer = http.get(f"/bulk-cancels/{job_id}", params={"wait": 60}).json()
            assert answer["state"] == "done", answer
            assert answer["effective"] == TASKS, answer
            before = requested(http, mark, killed_at)
        return 0 < before < TASKS

    try:
        tally(half_way(count(small=1, full=50), kill))
    finally:
        running.stop()


def begun(http: httpx.Client, mark: str) -> str:
    tasks = [
        {"id": f"{mark}-{n}", "kind": "sleep", "not_before": "2099-01-01T00:00:00Z"}
        | {"labels": {"m": mark}}
        for n in range(TASKS)
    ]
    assert http.post("/tasks", json={"tasks": tasks}).status_code == 201
    preview = http.post("/bulk-cancels/preview", json={"where": {"labels": {"m": mark}}}).json()
    assert preview["tasks"] == TASKS
    order = {"token": preview["token"], "per_second": PER_SECOND}
    answer = http.post("/bulk-cancels", json=order)
    assert answer.status_code == 202, answer.text
    return str(preview["token"])


def until_requested(http: httpx.Client, job_id: str, enough: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while http.get(f"/bulk-cancels/{job_id}").json()["requested"] < enough:
        assert time.monotonic() < deadline, "it doesn't get on"


def requested(http: httpx.Client, mark: str, killed_at: datetime) -> int:
    """How many of its requests were in the log when it was killed. That each task has got one, and
    that each was effective, is checked here."""
    times = {
        line["event"]["subject"]: datetime.fromisoformat(line["appended_at"])
        for line in requests(http, mark)
        if line["verdict"] == "effective"
    }
    assert times.keys() == {f"{mark}-{n}" for n in range(TASKS)}
    assert len(list(requests(http, mark))) == TASKS
    return sum(time <= killed_at for time in times.values())


def requests(http: httpx.Client, mark: str) -> Iterator[Any]:
    """All lines that ask for a cancel of this job's tasks, whatever was decided of them."""
    query: dict[str, Any] = {"type": "countermand.cancel.requested.v1", "limit": 500}
    query["newest_first"] = True
    for line in http.get("/history", params=query).json()["items"]:
        if line["event"]["subject"].startswith(f"{mark}-"):
            yield line
