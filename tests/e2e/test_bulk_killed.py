"""kill -9 in the middle of a cancel of many tasks: after the restart it goes on to its end, and the
history has one request for each task, no more and no fewer."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.running import Running
from tests.proof_size import count

TASKS = 100
PER_SECOND = 500
SMALL_STEPS = {
    "COUNTERMAND_BULK__BATCH_TASKS": "40",
    "COUNTERMAND_BULK__STEP_TASKS": "8",
    "COUNTERMAND_LOG_LEVEL": "warning",
}


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_it_goes_on_without_repeating_or_leaving_out_anything(folder: Path) -> None:
    times = count(small=1, full=50)
    chance = random.Random(7)
    caught_half_way = 0
    running = Running(folder, environment=SMALL_STEPS)
    running.start()
    try:
        for number in range(times):
            mark = f"r{number}"
            with running.http() as http:
                job_id = begun(http, mark)
                time.sleep(chance.uniform(0, TASKS / PER_SECOND))
            running.kill()
            running.start()
            with running.http() as http:
                caught_half_way += requested_before(http, job_id) < TASKS
                answer = http.get(f"/bulk-cancels/{job_id}", params={"wait": 60}).json()
                assert answer["state"] == "done", answer
                assert answer["effective"] == TASKS, answer
                check_history(http, mark)
    finally:
        running.stop()
    assert caught_half_way or times < 10, "no kill came before the end"


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


def requested_before(http: httpx.Client, job_id: str) -> int:
    """How much had been noted when it was killed, or has been since."""
    noted: int = http.get(f"/bulk-cancels/{job_id}").json()["requested"]
    return noted


def check_history(http: httpx.Client, mark: str) -> None:
    requests: Counter[str] = Counter()
    query: dict[str, Any] = {"type": "countermand.cancel.requested.v1", "limit": 500}
    query["newest_first"] = True
    while True:
        page = http.get("/history", params=query).json()
        for line in page["items"]:
            if line["event"]["subject"].startswith(f"{mark}-"):
                requests[line["event"]["subject"]] += 1
                assert line["verdict"] == "effective"
        if sum(requests.values()) >= TASKS or page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert requests == {f"{mark}-{n}": 1 for n in range(TASKS)}
