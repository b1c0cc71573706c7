"""Two regions of which one carries between them itself: no bridge runs beside them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.members import until
from tests.e2e.regions import RegionalService, known_there, start_all
from tests.e2e.running import until_running


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RegionalService, ...]]:
    folder = tmp_path_factory.mktemp("carried")
    a = RegionalService(folder / "a", "a")
    b = RegionalService(folder / "b", "b", more={"carry": True})
    a.knows([b])
    b.knows([a])
    start_all(a, b)
    yield a, b
    assert b.stop() == 0, b.said()[-4000:]
    assert a.stop() == 0, a.said()[-4000:]


def test_a_service_carries_both_ways_itself(pair: tuple[RegionalService, ...]) -> None:
    a, b = pair
    with a.http() as at_a, b.http() as at_b:
        task = {"kind": "sleep", "id": "far", "payload": {"seconds": 600}}
        assert at_a.post("/tasks", json=task).status_code in (201, 202)
        until_running(at_a, "far")
        known_there(at_b, "/tasks/far", lambda task: task["status"] == "running")

        answer = at_b.post("/tasks/far/cancel", json={}, headers={"prefer": "wait=30"})

        assert answer.status_code == 200, answer.text
        assert answer.json()["evidence"] == "acknowledged"
        assert at_a.get("/tasks/far").json()["status"] == "cancelled"


def test_it_goes_on_when_the_other_region_is_back(pair: tuple[RegionalService, ...]) -> None:
    a, b = pair
    assert a.stop() == 0
    with b.http() as at_b:
        headers = {"prefer": "respond-async"}
        order = {"region": "a"}
        accepted = at_b.post("/tasks/later/cancel", json=order, headers=headers).json()
        assert accepted["verdict"] == "undecided"

        a.start()

        where = f"/tasks/later/receipt?event_id={accepted['event_id']}&wait=60"
        assert at_b.get(where, timeout=70).json()["verdict"] == "effective"
    assert "nothing is carried" in b.said()


def test_what_does_not_leave_is_shown_also_where_news_come(tmp_path: Path) -> None:
    """The other region says all that it may, and takes nothing: it is set otherwise."""
    a = RegionalService(tmp_path / "a", "a", more={"organizations": {"default": ["a"]}})
    b = RegionalService(tmp_path / "b", "b", more={"carry": True})
    a.knows([b])
    b.knows([a])
    start_all(a, b)
    try:
        with b.http() as at_b:

            def known() -> Any:
                (found,) = at_b.get("/regions").json()["others"]
                return found

            until(lambda: known()["age_seconds"] is not None, b.said)
            assert known()["leaving_trouble"] is None
            at_b.post("/tasks/t/cancel", json={"region": "a"}, headers={"prefer": "respond-async"})
            until(lambda: known()["leaving_trouble"] is not None, b.said)
            assert known()["trouble"] is None
        said = b.command("doctor", "--json")
        (says,) = [x["says"] for x in json.loads(said.stdout) if x["what"] == "region a"]
        assert said.returncode != 0
        assert "s ago; nothing leaves for it: region 'a' refused: organization 'default'" in says
    finally:
        assert b.stop() == 0, b.said()[-4000:]
        assert a.stop() == 0, a.said()[-4000:]
