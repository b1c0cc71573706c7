"""Two regions as real processes: cancel here what runs there."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from tests.e2e.regions import RegionalService, RunningBridge, known_there, start_all
from tests.e2e.running import until_running

AT_ONCE = {"prefer": "respond-async"}


class Pair(NamedTuple):
    """Two regions, and the bridge of the second one."""

    a: RegionalService
    b: RegionalService
    bridge: RunningBridge


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("regions")
    limited = {"organizations": {"only-a": ["a"]}}
    a, b = (RegionalService(folder / name, name, more=limited) for name in "ab")
    a.knows([b])
    b.knows([a])
    start_all(a, b)
    bridge = RunningBridge(b, [a])
    bridge.start()
    yield Pair(a, b, bridge)
    assert bridge.stop() == 0, bridge.said()[-4000:]
    assert b.stop() == 0, b.said()[-4000:]
    assert a.stop() == 0, a.said()[-4000:]


@pytest.fixture
def at_a(pair: Pair) -> Iterator[httpx.Client]:
    with pair.a.http() as http:
        yield http


@pytest.fixture
def at_b(pair: Pair) -> Iterator[httpx.Client]:
    with pair.b.http() as http:
        yield http


def begun(http: httpx.Client, task_id: str, **more: Any) -> None:
    task = {"kind": "sleep", "id": task_id, "payload": {"seconds": 600}, **more}
    assert http.post("/tasks", json=task).status_code in (201, 202)


def receipt_in(answer: httpx.Response) -> Any:
    """Of a cancel that was answered at once: the home region may have decided it by then, and of
    what is void the receipt stands in a problem document."""
    assert answer.status_code in (200, 202, 409), answer.text
    told = answer.json()
    return told.get("receipt", told)


def decided(http: httpx.Client, answer: httpx.Response) -> Any:
    """What became of a request that was accepted for another region."""
    assert answer.status_code == 202, answer.text
    assert answer.json()["verdict"] == "undecided"
    where = answer.headers["location"].removeprefix("/countermand/v1")
    told = http.get(where, params={"wait": 30})
    assert told.status_code == 200, told.text
    return told.json()


def test_what_runs_there_is_cancelled_here(at_a: httpx.Client, at_b: httpx.Client) -> None:
    begun(at_a, "far")
    until_running(at_a, "far")

    order = {"region": "a", "reason": "no longer needed"}
    receipt = receipt_in(at_b.post("/tasks/far/cancel", json=order, headers=AT_ONCE))

    assert receipt["home"]["region"] == "a"
    where = f"/tasks/far/receipt?event_id={receipt['event_id']}&wait=30"
    shown = at_b.get(where).json()
    assert (shown["verdict"], shown["status"]) == ("effective", "cancelled")
    assert shown["evidence"] == "acknowledged"
    there = at_a.get("/tasks/far/receipt").json()
    assert shown["home"]["event_id"] == there["event_id"]
    assert shown["home"]["position"] == there["position"]
    assert shown["position"] == receipt["position"]
    assert shown["stopped_at"] == there["stopped_at"]
    assert there["why"] == "no longer needed"


def test_a_cancel_waits_for_the_verdict_and_the_stop(
    at_a: httpx.Client, at_b: httpx.Client
) -> None:
    begun(at_a, "waited-for")
    until_running(at_a, "waited-for")
    known_there(at_b, "/tasks/waited-for", lambda task: task["status"] == "running")

    # What the copy knows needn't be named.
    answer = at_b.post("/tasks/waited-for/cancel", json={}, headers={"prefer": "wait=30"})

    assert answer.status_code == 200, answer.text
    assert answer.json()["evidence"] == "acknowledged"


def test_the_same_request_again_is_the_same_receipt(at_a: httpx.Client, at_b: httpx.Client) -> None:
    begun(at_a, "twice")
    headers = {**AT_ONCE, "idempotency-key": "twice"}

    first, again = (
        at_b.post("/tasks/twice/cancel", json={"region": "a"}, headers=headers) for _ in range(2)
    )

    assert first.json()["event_id"] == again.json()["event_id"]
    at_b.get(f"/tasks/twice/receipt?event_id={first.json()['event_id']}&wait=30")
    there = at_a.get("/tasks/twice/history").json()["items"]
    cancels = [line for line in there if line["event"]["type"].startswith("countermand.cancel.req")]
    assert [line["verdict"] for line in cancels] == ["effective", "void"][: len(cancels)]
    assert {line["event"]["id"] for line in cancels} == {first.json()["home"]["event_id"]}


def test_a_cancel_that_overtakes_its_task_keeps_it_from_starting(
    at_a: httpx.Client, at_b: httpx.Client
) -> None:
    receipt = receipt_in(at_b.post("/tasks/early/cancel", json={"region": "a"}, headers=AT_ONCE))
    where = f"/tasks/early/receipt?event_id={receipt['event_id']}&wait=30"
    held = at_b.get(where).json()
    assert (held["verdict"], held["status"]) == ("effective", None)
    assert held["held_until"] is not None

    begun(at_a, "early")

    assert at_a.get("/tasks/early").json()["status"] == "cancelled"
    known_there(at_b, "/tasks/early", lambda task: task["status"] == "cancelled")
    assert at_b.get(where).json()["evidence"] == "never_started"


def test_a_task_is_submitted_approved_and_retried_there_from_here(at_b: httpx.Client) -> None:
    task = {"kind": "approve", "id": "sent", "region": "a", "payload": {"question": "Go on?"}}
    sent = at_b.post("/tasks", json=task)
    assert decided(at_b, sent)["verdict"] == "effective"
    shown = known_there(at_b, "/tasks/sent", lambda task: task["status"] in ("waiting", "failed"))
    assert shown["region"] == "a"
    # It is decided there alone, under this id too.
    refused = at_b.post("/tasks", json={"kind": "sleep", "id": "sent"})
    assert (refused.status_code, refused.json()["reason"]) == (409, "wrong_region")

    if shown["status"] == "waiting":
        assert decided(at_b, at_b.post("/tasks/sent/approve", json={}))["verdict"] == "effective"
    else:
        assert decided(at_b, at_b.post("/tasks/sent/retry", json={}))["verdict"] == "effective"


def test_a_project_there_is_steered_from_here(at_a: httpx.Client, at_b: httpx.Client) -> None:
    ids = ["far-project.one", "far-project.two"]
    tasks = [{"id": id, "kind": "sleep", "payload": {"seconds": 600}} for id in ids]
    made = at_a.post("/projects", json={"id": "far-project", "tasks": tasks})
    assert made.status_code == 201, made.text
    first, second = (f"/tasks/{id}" for id in ids)
    known_there(at_b, second, lambda task: task["status"] == "pending")

    assert decided(at_b, at_b.post(f"{first}/skip", json={}))["verdict"] == "effective"
    assert at_a.get(first).json()["status"] == "skipped"
    told = decided(at_b, at_b.post(f"{second}/retry", json={}))
    assert (told["verdict"], told["reason"]) == ("void", "not_failed")

    order = {"region": "a", "reason": "not now"}
    stopped = at_b.post("/projects/far-project/cancel", json=order, headers={"prefer": "wait=30"})
    assert stopped.status_code in (200, 202), stopped.text
    assert stopped.json()["verdict"] == "effective"
    assert at_a.get("/projects/far-project").json()["status"] == "cancelled"
    assert at_a.get(second).json()["status"] == "skipped"


def test_what_is_not_delivered_in_time_is_void(at_a: httpx.Client, at_b: httpx.Client) -> None:
    begun(at_a, "kept")
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()

    order = {"region": "a", "expires_at": past}
    receipt = receipt_in(at_b.post("/tasks/kept/cancel", json=order, headers=AT_ONCE))

    where = f"/tasks/kept/receipt?event_id={receipt['event_id']}&wait=30"
    shown = at_b.get(where).json()
    assert (shown["verdict"], shown["reason"]) == ("void", "expired")
    assert at_a.get("/tasks/kept").json()["cancel"] is None
    at_a.post("/tasks/kept/cancel", json={})


def test_over_a_cut_everybody_says_how_old_the_news_are_and_what_comes_too_late_is_void(
    pair: Pair, at_a: httpx.Client, at_b: httpx.Client
) -> None:
    begun(at_a, "cut-off")
    known_there(at_b, "/tasks/cut-off", lambda task: True)
    assert pair.bridge.stop() == 0
    try:
        begun(at_a, "said-meanwhile", payload={"seconds": 0})
        soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        order = {"expires_at": soon, "reason": "in time only"}
        accepted = at_b.post("/tasks/cut-off/cancel", json=order, headers=AT_ONCE)
        assert (accepted.status_code, accepted.json()["verdict"]) == (202, "undecided")
        first = accepted.json()
        where = f"/tasks/cut-off/receipt?event_id={first['event_id']}"

        later = at_b.get(f"{where}&wait=2").json()
        assert (later["verdict"], later["home"]["position"]) == ("undecided", None)
        assert later["home"]["news_age_seconds"] > first["home"]["news_age_seconds"] + 1
        fresh = at_b.get("/tasks/cut-off?fresh=true")
        assert fresh.status_code == 503
        assert "the news of region 'a' are late" in fresh.json()["detail"]
        assert at_b.get("/tasks/cut-off").status_code == 200
        checks = json.loads(pair.b.command("doctor", "--json").stdout)
        (says,) = [each["says"] for each in checks if each["what"] == "region a"]
        age = re.fullmatch(r"its last news came ([0-9.]+) s ago", says)
        assert age is not None
        assert float(age[1]) > 2
    finally:
        pair.bridge.start()

    shown = at_b.get(f"{where}&wait=30").json()
    assert (shown["verdict"], shown["reason"]) == ("void", "expired")
    fresh = at_b.get("/tasks/cut-off?fresh=true")
    assert (fresh.status_code, fresh.json()["cancel"]) == (200, None)
    at_a.post("/tasks/cut-off/cancel", json={})


def test_a_remote_task_is_read_from_the_copy_with_its_age(
    at_a: httpx.Client, at_b: httpx.Client
) -> None:
    begun(at_a, "read")
    until_running(at_a, "read")
    known_there(at_b, "/tasks/read", lambda task: task["status"] == "running")

    copied, there = at_b.get("/tasks/read"), at_a.get("/tasks/read")
    assert copied.headers["countermand-region"] == "a"
    assert 0 <= float(copied.headers["countermand-age-seconds"]) < 30
    assert {**copied.json(), "progress": None} == {**there.json(), "progress": None}
    lines = at_b.get("/tasks/read/history", params={"limit": 1})
    assert lines.headers["countermand-region"] == "a"
    rest = at_b.get("/tasks/read/history", params={"cursor": lines.json()["next_cursor"]}).json()
    shown = [*lines.json()["items"], *rest["items"]]
    assert shown == at_a.get("/tasks/read/history").json()["items"]
    at_a.post("/tasks/read/cancel", json={})


def test_an_organization_stays_in_its_regions(pair: Pair) -> None:
    with (
        pair.a.http(pair.a.made_key("only-a", "operator")) as mine_at_a,
        pair.b.http(pair.b.made_key("only-a", "operator")) as mine_at_b,
        pair.a.http() as others_at_a,
        pair.b.http() as others_at_b,
    ):
        begun(mine_at_a, "stays", payload={"seconds": 0})
        begun(others_at_a, "goes", payload={"seconds": 0})

        there = mine_at_a.post("/tasks", json={"kind": "sleep", "region": "b"})
        assert (there.status_code, there.json()["type"][-7:]) == (422, "invalid")
        # Nothing of it begins in b, whatever it is.
        asked: list[tuple[str, dict[str, Any]]] = [
            ("/tasks/stays/cancel", {"region": "a"}),
            ("/tasks/stays/move", {"region": "a"}),
            ("/tasks", {"kind": "sleep"}),
            ("/tasks", {"tasks": [{"kind": "sleep"}]}),
            ("/projects", {"tasks": [{"kind": "sleep"}]}),
        ]
        for path, body in asked:
            refused = mine_at_b.post(path, json=body)
            assert refused.status_code == 403, path
            assert "may not use region 'b'" in refused.json()["detail"]
        # What is behind it in the log has come; so would it have, if it were allowed to.
        known_there(others_at_b, "/tasks/goes", lambda task: True)
        assert mine_at_b.get("/tasks/stays").status_code == 403
        assert pair.b.copied_lines("only-a") == 0


def test_only_a_bridge_s_key_opens_what_goes_between_regions(pair: Pair) -> None:
    foreign = pair.a.made_key("somebody", "bridge")
    for key, status in ((pair.a.key, 403), (foreign, 403), (pair.a.address["key"], 200)):
        with pair.a.http(key) as http:
            for path in ("/regions/b/parcels?start=0:0", "/regions/b/taken", "/regions/end"):
                with http.stream("GET", path) as answer:
                    assert answer.status_code == status, path


def test_what_is_decided_here_is_not_sent_away(at_b: httpx.Client) -> None:
    begun(at_b, "here", payload={"seconds": 0})

    refused = at_b.post("/tasks/here/cancel", json={"region": "a"})

    assert (refused.status_code, refused.json()["reason"]) == (409, "wrong_region")
    unknown = at_b.post("/tasks/here/cancel", json={"region": "nowhere"})
    assert unknown.status_code == 422


def test_the_doctor_says_how_old_the_news_are(pair: Pair, at_b: httpx.Client) -> None:
    known = at_b.get("/regions").json()
    assert (known["here"], [each["region"] for each in known["others"]]) == ("b", ["a"])
    assert "its last news came" in pair.b.command("doctor").stdout


def test_what_was_copied_comes_again_when_it_is_forgotten(
    pair: Pair, at_a: httpx.Client, at_b: httpx.Client
) -> None:
    begun(at_a, "again", payload={"seconds": 0})
    until_running(at_a, "again", "succeeded")
    receipt = receipt_in(at_b.post("/tasks/again/cancel", json={"region": "a"}, headers=AT_ONCE))
    where = f"/tasks/again/receipt?event_id={receipt['event_id']}&wait=30"
    decided_once = at_b.get(where).json()
    before = at_a.get("/tasks/again/history").json()["items"]

    forgotten = pair.b.run("regions", "forget", "a")

    assert "lines of region a forgotten" in forgotten
    known_there(at_b, "/tasks/again", lambda task: task["status"] == "succeeded")
    told_again = at_b.get(where).json()
    assert told_again["verdict"] == decided_once["verdict"]
    assert told_again["home"]["position"] == decided_once["home"]["position"]
    assert at_a.get("/tasks/again/history").json()["items"] == before
    assert "s ago" in pair.b.run("regions", "list")


def test_a_task_moves_here_and_runs_here(
    pair: Pair, at_a: httpx.Client, at_b: httpx.Client
) -> None:
    # Nobody in a may run it.
    begun(at_a, "roams", region="nowhere", labels={"team": "blue"})

    asked = at_b.post("/tasks/roams/move", json={"region": "a"})

    assert decided(at_b, asked)["verdict"] == "effective"
    until_running(at_b, "roams")
    here = at_b.get("/tasks/roams").json()
    assert (here["region"], here["labels"]) == ("b", {"team": "blue"})
    seen = known_there(at_a, "/tasks/roams", lambda task: task["status"] == "running")
    assert seen["region"] == "b"
    moved = at_a.get("/tasks", params={"status": "moved"}).json()["items"]
    assert [task["id"] for task in moved] == ["roams"]
    # What its old home is asked is decided here, but for new submissions.
    below = {"kind": "sleep", "id": "roams.part", "parent": "roams"}
    for body in ({"kind": "sleep", "id": "roams"}, below):
        refused = at_a.post("/tasks", json=body)
        assert (refused.status_code, refused.json()["reason"]) == (409, "moved")
    told = decided(at_a, at_a.post("/tasks/roams/retry", json={"attempt": 1}))
    assert (told["verdict"], told["reason"]) == ("void", "not_failed")
    stopped = at_a.post("/tasks/roams/cancel", json={}, headers={"prefer": "wait=30"})
    assert stopped.status_code == 200, stopped.text
    assert (stopped.json()["evidence"], stopped.json()["home"]["region"]) == ("acknowledged", "b")
    assert at_b.get("/tasks/roams").json()["status"] == "cancelled"
    again = at_a.get("/tasks/roams/receipt").json()
    assert (again["event_id"], again["evidence"]) == (stopped.json()["event_id"], "acknowledged")


def test_a_task_moves_away_and_back(pair: Pair, at_a: httpx.Client, at_b: httpx.Client) -> None:
    begun(at_a, "returns", requires={"gpu": "yes"})
    known_there(at_b, "/tasks/returns", lambda task: task["status"] == "pending")

    assert "has moved here from region a" in pair.b.run("move", "returns")
    known_there(at_a, "/tasks/returns", lambda task: task["region"] == "b")
    assert decided(at_a, at_a.post("/tasks/returns/move"))["verdict"] == "effective"

    back = at_a.get("/tasks/returns").json()
    assert (back["status"], back["region"], back["attempt"]) == ("pending", "a", 1)
    known_there(at_b, "/tasks/returns", lambda task: task["region"] == "a")
    # Also who names b, as its home that it was.
    stopped = at_b.post(
        "/tasks/returns/cancel", json={"region": "b"}, headers={"prefer": "wait=30"}
    )
    assert stopped.json().get("evidence") == "never_started", stopped.text
    assert at_a.get("/tasks/returns").json()["status"] == "cancelled"
    there = at_a.get("/tasks/returns/history").json()["items"]
    # Submitted, handed over, asked for again, taken over, cancelled.
    verdicts = [line["verdict"] for line in there]
    assert verdicts[:5] == ["effective", "effective", "noted", "effective", "effective"]


def test_a_cancel_finds_a_task_that_is_just_moving_away(
    at_a: httpx.Client, at_b: httpx.Client
) -> None:
    for number in range(4):
        task = f"/tasks/just-{number}"
        begun(at_a, f"just-{number}", requires={"gpu": "yes"})
        known_there(at_b, task, lambda seen: seen["status"] == "pending")
        assert decided(at_b, at_b.post(f"{task}/move", json={"region": "a"}))["verdict"]
        known_there(at_a, task, lambda seen: seen["region"] == "b")
        assert at_a.post(f"{task}/move").status_code == 202
        # Before b has handed it over, while it does, and before b's read models show that.
        time.sleep(0.01 * number)
        stopped = at_b.post(f"{task}/cancel", json={"region": "b"}, headers={"prefer": "wait=30"})
        assert stopped.status_code == 200, stopped.text
        assert stopped.json()["evidence"] == "never_started"


def test_what_runs_or_is_here_does_not_move(at_a: httpx.Client, at_b: httpx.Client) -> None:
    begun(at_a, "busy")
    until_running(at_a, "busy")

    told = decided(at_b, at_b.post("/tasks/busy/move", json={"region": "a"}))

    assert (told["verdict"], told["reason"]) == ("void", "not_pending")
    assert at_a.get("/tasks/busy").json()["status"] == "running"
    assert at_a.post("/tasks/busy/move").json()["reason"] == "already_here"
    assert at_a.post("/tasks/nowhere-at-all/move").status_code == 404
    assert at_b.post("/tasks/busy.part/move", json={"region": "a"}).status_code == 422
    at_a.post("/tasks/busy/cancel", json={}, headers=AT_ONCE)


def test_what_is_not_sent_to_another_region_is_refused_with_the_way_to_go(
    at_b: httpx.Client,
) -> None:
    sleep = {"kind": "sleep", "region": "a"}
    for path, body, way in (
        ("/tasks", {"tasks": [sleep, sleep]}, "one by one"),
        ("/projects", {"region": "a", "tasks": [{"kind": "sleep"}]}, "in region 'a' itself"),
        ("/projects", {"tasks": [sleep]}, "in region 'a' itself"),
        ("/tasks", {**sleep, "secrets": {"token": "s3cret"}}, "in region 'a' itself"),
    ):
        refused = at_b.post(path, json=body)
        assert refused.status_code == 422, path
        assert way in refused.json()["detail"]
        assert "s3cret" not in refused.text


def test_a_move_again_is_the_same_move(at_a: httpx.Client, at_b: httpx.Client) -> None:
    begun(at_a, "moved-twice", not_before="2099-01-01T00:00:00Z")
    key = {"idempotency-key": "moved-twice"}
    body = {"region": "a", "reason": "nearer"}
    first, again = (at_b.post("/tasks/moved-twice/move", json=body, headers=key) for _ in range(2))
    assert first.status_code == again.status_code == 202, first.text
    assert first.json()["request"]["event_id"] == again.json()["request"]["event_id"]
    other = at_b.post("/tasks/moved-twice/move", json={"region": "a"}, headers=key)
    assert (other.status_code, other.json()["reason"]) == (409, "idempotency_key_reused")


def test_a_parcel_again_is_taken_once(pair: Pair) -> None:
    key = {"idempotency-key": "parcel"}
    with pair.b.http(pair.b.new_key("default", "bridge")) as carrier:
        known = carrier.get("/regions/a/taken").json()["frontier"]
        parcel = {"source": "a", "start": known, "end": known, "read_at": "2026-01-01T00:00:00Z"}
        first, again = (
            carrier.post("/regions/parcels", json=parcel, headers=key) for _ in range(2)
        )
        assert first.status_code in (200, 409), first.text
        assert (first.status_code, first.content) == (again.status_code, again.content)
        assert again.headers["countermand-repeated"] == "true"
        other = carrier.post("/regions/parcels", json={**parcel, "lines": []}, headers=key)
    assert (other.status_code, other.json()["reason"]) == (409, "idempotency_key_reused")
