"""Streams tell what happens, and go on behind any frame."""

import json

import httpx
import pytest

from tests.e2e.asking import project, submitted, waiting
from tests.e2e.problems import refused
from tests.e2e.running import until_running


def frames(http: httpx.Client, path: str, count: int, **headers: str) -> list[tuple[str, str]]:
    """The first events with their cursors."""
    found: list[tuple[str, str]] = []
    event = ""
    with http.stream("GET", path, headers=headers) as lines:
        assert lines.headers["content-type"].startswith("text/event-stream")
        for line in lines.iter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            if line.startswith("id: "):
                found.append((event, line.removeprefix("id: ")))
                if len(found) == count:
                    return found
    return found


def test_a_stream_goes_on_behind_any_frame(http: httpx.Client) -> None:
    task_id = submitted(http)
    until_running(http, task_id)
    http.post(f"/tasks/{task_id}/cancel")
    whole = frames(http, f"/tasks/{task_id}/stream", 5)
    assert len(whole) == 5
    for seen in range(1, 4):
        rest = frames(
            http, f"/tasks/{task_id}/stream", 5 - seen, **{"last-event-id": whole[seen - 1][1]}
        )
        assert rest == whole[seen:]


def test_a_project_s_stream_tells_of_all_of_its_tasks_and_goes_on_behind_any_frame(
    http: httpx.Client,
) -> None:
    path, made = "/projects/{}/stream", project(http, approved=True)["id"]
    other = project(http)["id"]
    assert http.post(f"/projects/{made}/cancel").status_code == 200
    count = len(http.get(f"/projects/{made}/history").json()["items"])
    whole = frames(http, path.format(made), count)
    types = [event for event, _ in whole]
    assert types[0] == "countermand.project.created.v1"
    assert types.count("countermand.task.submitted.v1") == 2
    assert types[-1] == "countermand.project.cancel-requested.v1"
    for seen in range(1, count):
        behind = {"last-event-id": whole[seen - 1][1]}
        assert frames(http, path.format(made), count - seen, **behind) == whole[seen:]
    assert frames(http, path.format(other), 1)[0][1] != whole[0][1]


def test_an_organization_s_stream_goes_on_from_any_frame_and_any_frontier(
    http: httpx.Client,
) -> None:
    start = http.get("/export").headers["countermand-end"]
    task_id, made = waiting(http), project(http)["id"]
    http.post(f"/tasks/{task_id}/cancel")
    http.post(f"/projects/{made}/cancel")
    lines = http.get("/history", params={"start": start, "limit": 500}).json()["items"]
    count = len(lines)
    whole = frames(http, "/stream", count, **{"last-event-id": start})
    assert [event for event, _ in whole] == [line["event"]["type"] for line in lines]
    for seen in range(1, count):
        offset = int(lines[seen]["position"].partition(":")[2])
        for behind in (whole[seen - 1][1], f"0:{offset}"):
            rest = frames(http, "/stream", count - seen, **{"last-event-id": behind})
            assert [event for event, _ in rest] == [event for event, _ in whole[seen:]]


@pytest.mark.parametrize("cursor", ["0:1000000", "7:1", "0:0/0:1000000", "0:1000000/0:0"])
def test_a_stream_goes_on_behind_no_frame_that_was_never_sent(
    http: httpx.Client, cursor: str
) -> None:
    task_id = waiting(http)
    for path in ("/stream", f"/tasks/{task_id}/stream"):
        for query, headers in (({}, {"last-event-id": cursor}), ({"start": cursor}, {})):
            with http.stream("GET", path, params=query, headers=headers) as answer:
                assert answer.status_code == 422
                answer.read()
            assert "ends at 0:" in refused(answer, 422, "invalid")["detail"]


def test_an_organization_s_stream_tells_what_happens_from_now(
    http: httpx.Client, stranger: httpx.Client
) -> None:
    with http.stream("GET", "/stream") as lines:
        told = lines.iter_lines()
        assert next(told).startswith(":")
        waiting(stranger, id="not-ours")
        task_id = waiting(http)
        for line in told:
            if line.startswith("data: "):
                assert json.loads(line.removeprefix("data: "))["about"] == task_id
                break


def test_output_and_progress_are_streamed_and_shown(http: httpx.Client) -> None:
    task_id = submitted(http, "count", payload={"every_ms": 20})
    with http.stream("GET", f"/tasks/{task_id}/stream") as lines:
        for line in lines.iter_lines():
            if line.startswith("event: countermand.task.output"):
                break
    http.post(f"/tasks/{task_id}/cancel")
