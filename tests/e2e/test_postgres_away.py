"""PostgreSQL goes away for a while: no run ends, whoever reads a stream hears all of it, and what
can't be gone on with is cut."""

import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cluster.postgres import PostgresServer
from events.positions import Position, after, written_frontier
from tests.brokers import running
from tests.e2e.asking import SLEEP
from tests.e2e.members import Members, members_on, until
from tests.e2e.running import until_running

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(300)]

BATCH, BATCHES = 100, 6
TEXT = "x" * 8_000
RECEIVES_BYTES = 65_536
"""With these a page of the history is more than what fits between two processes: while nobody
reads, who sends the first page hasn't asked for the next one."""
LATE = 503
"""The rows are written by another process, which takes its time to be connected again."""


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """One that the tests of this module may stop."""
    with (
        tempfile.TemporaryDirectory(prefix="countermand-postgres-") as folder,
        running(PostgresServer(Path(folder))) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def members(
    kafka_broker: str, database: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Members]:
    settings = {"COUNTERMAND_GATEWAY__STREAM_SEND_SECONDS": "120"}
    folder = tmp_path_factory.mktemp("members")
    with members_on(kafka_broker, database.url, folder, settings, lease_seconds=60) as found:
        found.start("gateway", "executor", "projector")
        yield found


@pytest.fixture
def slow(members: Members) -> Iterator[httpx.Client]:
    """Somebody who takes little at a time."""
    little = (socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVES_BYTES)
    with httpx.Client(
        base_url=members.of("gateway")[0].where + "/countermand/v1",
        headers={"authorization": f"Bearer {members.key}"},
        timeout=60,
        transport=httpx.HTTPTransport(socket_options=[little]),
    ) as client:
        yield client


@pytest.fixture(scope="module")
def past(members: Members) -> list[str]:
    """The ids of tasks whose history has more than a page."""
    task = {"kind": "sleep", "payload": {"x": TEXT}, "not_before": "2099-01-01T00:00:00Z"}
    made: list[str] = []
    with members.http(members.of("gateway")[0]) as http:
        for _ in range(BATCHES):
            answer = http.post("/tasks", json={"tasks": [task] * BATCH})
            made += [each["id"] for each in answer.json()["items"]]
        ready = httpx.URL(http.base_url).join("/readyz")
        until(lambda: http.get(ready).json()["lag_entries"] == 0)
    return made


def test_a_stream_and_a_run_go_on_when_postgresql_is_back(
    members: Members,
    http: httpx.Client,
    slow: httpx.Client,
    database: PostgresServer,
    past: list[str],
) -> None:
    task_id = http.post("/tasks", json=SLEEP).json()["id"]
    until_running(http, task_id)
    with slow.stream("GET", "/stream", params={"start": "0:0"}) as stream:
        lines = stream.iter_lines()
        heard = [next(subjects(lines))]
        database.stop()
        try:
            heard += subjects(lines, until=": still here")
        finally:
            database.start()
        assert len(heard) < len(past)
        for subject in subjects(lines):
            heard.append(subject)
            if {*past, task_id} <= set(heard):
                break
    assert len(heard) < len(past) + 10, "nothing comes twice"
    until(lambda: http.post(f"/tasks/{task_id}/cancel").status_code == 200)

    def receipt() -> httpx.Response:
        return http.get(f"/tasks/{task_id}/receipt", params={"wait": 30})

    until(lambda: receipt().status_code != LATE)
    answer = receipt()
    assert answer.status_code == 200, answer.text
    stopped = answer.json()
    assert (stopped["status"], stopped["evidence"]) == ("cancelled", "acknowledged")
    assert http.get(f"/tasks/{task_id}").json()["attempt"] == 1
    unharmed(members)


def subjects(lines: Iterator[str], until: str | None = None) -> Iterator[str]:
    """Of the frames, up to a line."""
    for line in lines:
        if line == until:
            return
        if line.startswith("data: "):
            yield json.loads(line[6:])["event"]["subject"]


def test_an_export_is_cut_and_goes_on_from_there(
    members: Members,
    http: httpx.Client,
    slow: httpx.Client,
    database: PostgresServer,
    past: list[str],
) -> None:
    whole = http.get("/export").text
    with slow.stream("GET", "/export") as stream:
        end = stream.headers["countermand-end"]
        pieces = stream.iter_raw()
        got = [next(pieces)]
        database.stop()
        try:
            with pytest.raises(httpx.TransportError):
                got.extend(pieces)
        finally:
            database.start()
    part = b"".join(got)
    whole_lines = part.decode().split("\n")[:-1]
    assert whole_lines
    assert b'{"export"' not in part, "it doesn't say that it is whole"
    rest = {"start": behind(whole_lines), "end": end}
    until(lambda: http.get("/export", params=rest).status_code == 200)
    told = [*whole_lines, *http.get("/export", params=rest).text.splitlines()]
    assert told[:-1] == whole.splitlines()[:-1]
    assert "an answer was cut off" in members.of("gateway")[0].said()
    unharmed(members)


def behind(lines: list[str]) -> str:
    """The frontier behind these lines of an export."""
    places = [read_position(json.loads(line)["position"]) for line in lines]
    return written_frontier(after({}, places))


def read_position(text: str) -> Position:
    partition, _, offset = text.partition(":")
    return Position(int(partition), int(offset))


def unharmed(members: Members) -> None:
    """Nobody has ended, and nothing went wrong that wasn't foreseen."""
    for each in members.all:
        assert each.alive, each.said()[-4000:]
        assert "Traceback" not in each.said(), each.said()[-8000:]
