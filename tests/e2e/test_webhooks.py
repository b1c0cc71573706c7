"""Webhooks over real HTTP: signed, in order, sent until accepted; and what is refused."""

import json
import random
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.control_store.store import FILE
from tests.e2e.asking import LATER
from tests.e2e.half_way import half_way
from tests.e2e.receiver import Received, Receiver
from tests.e2e.running import Running, up
from tests.proof_size import count
from tests.tallies import Tally

HERE = {
    "COUNTERMAND_WEBHOOKS__PLAIN_HTTP": "true",
    "COUNTERMAND_WEBHOOKS__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
    "COUNTERMAND_WEBHOOKS__RETRY_AFTER_SECONDS": "[0.02, 0.05, 0.1]",
    "COUNTERMAND_WEBHOOKS__ATTEMPT_SECONDS": "0.5",
}
SUBMITTED = "countermand.task.submitted.v1"
CANCEL = "countermand.cancel.requested.v1"
CANCELLED = "countermand.task.cancelled.v1"
GIVEN_UP_SECONDS = 60.0


@pytest.fixture(scope="module")
def allowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that may reach this machine."""
    with up(tmp_path_factory.mktemp("service"), environment=HERE) as running:
        yield running


@pytest.fixture
def http(allowing: Running) -> Iterator[httpx.Client]:
    """After each test nobody listens any more."""
    with allowing.http() as client:
        yield client
        for each in client.get("/webhooks").json()["items"]:
            client.delete(f"/webhooks/{each['id']}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def added(http: httpx.Client, url: str, *types: str) -> dict[str, Any]:
    answer = http.post("/webhooks", json={"url": url, "types": types or None})
    assert answer.status_code == 201, answer.text
    endpoint: dict[str, Any] = answer.json()
    return endpoint


def stopped(http: httpx.Client, **more: Any) -> str:
    """A task that was cancelled before it started: three events, submitted to closed."""
    body = {"kind": "sleep", "payload": {"seconds": 1}, "not_before": LATER, **more}
    answer = http.post("/tasks", json=body)
    assert answer.status_code == 201, answer.text
    task_id = str(answer.json()["id"])
    assert http.post(f"/tasks/{task_id}/cancel").status_code == 200
    return task_id


def types_of(received: list[Received]) -> list[str]:
    return [each.json["type"] for each in received]


def test_an_event_is_delivered_signed_as_the_standard_says(
    http: httpx.Client, receiver: Receiver
) -> None:
    endpoint = added(http, receiver.url, CANCEL)
    task_id = stopped(http)
    receiver.until(lambda: bool(receiver.accepted()))
    (received,) = receiver.accepted()

    said = Webhook(endpoint["secret"]).verify(received.body, received.headers)
    line = http.get(f"/tasks/{task_id}/history").json()["items"][1]
    assert said["type"] == CANCEL
    assert said["timestamp"] == line["event"]["time"]
    assert said["data"]["event"] == line["event"]
    assert said["data"]["verdict"] == "effective"
    assert said["data"]["status"] == "cancelled"
    assert received.id == line["event"]["id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(received.body + b" ", received.headers)


def test_every_event_is_delivered_in_the_order_of_its_root_whatever_the_receiver_does(
    http: httpx.Client, receiver: Receiver
) -> None:
    unsteady = random.Random(3)
    receiver.answers = lambda number, path: unsteady.choice((204, 204, 500, 503, 429))
    added(http, receiver.url)
    tasks = [stopped(http) for _ in range(12)]
    # In this service three failures after the first one kill a delivery: none may be missing here.
    receiver.until(lambda: len({each.id for each in receiver.received()}) >= 3 * len(tasks))
    first_seen: dict[str, list[str]] = defaultdict(list)
    for each in receiver.received():
        root = each.json["data"]["event"]["root"]
        if each.id not in first_seen[root]:
            first_seen[root].append(each.id)

    for task_id in tasks:
        lines = http.get(f"/tasks/{task_id}/history").json()["items"]
        assert first_seen[task_id] == [
            line["event"]["id"] for line in lines if line["verdict"] != "void"
        ]


def test_a_failed_delivery_holds_back_its_root_and_no_other(
    http: httpx.Client, receiver: Receiver
) -> None:
    added(http, receiver.url, SUBMITTED, CANCEL)
    held = threading.Event()

    def answers(number: int, path: str) -> int:
        return 204 if held.is_set() or number else 500

    receiver.answers = answers
    first = stopped(http)
    receiver.until(lambda: len(receiver.received()) >= 1)
    second = stopped(http)
    receiver.until(lambda: len(receiver.accepted()) >= 4)
    roots = [each.json["data"]["event"]["root"] for each in receiver.accepted()]

    assert sorted(roots) == sorted([first, first, second, second])
    for root in (first, second):
        of_root = [r for r in receiver.accepted() if r.json["data"]["event"]["root"] == root]
        assert types_of(of_root) == [SUBMITTED, CANCEL]


def test_what_is_never_accepted_is_given_up_and_can_be_sent_again(
    http: httpx.Client, receiver: Receiver
) -> None:
    receiver.answers = lambda number, path: 500 if number < 4 else 204
    endpoint = added(http, receiver.url, CANCEL)
    stopped(http)
    receiver.until(lambda: len(receiver.received()) >= 4)
    dead = until_dead(http, endpoint["id"])

    assert (dead["attempts"], dead["last_status"], dead["type"]) == (4, 500, CANCEL)
    answer = http.post(
        f"/webhooks/{endpoint['id']}/redeliver", json={"event_ids": [dead["event_id"]]}
    )
    assert answer.json() == {"redelivered": 1}
    receiver.until(lambda: bool(receiver.accepted()))
    assert http.get(f"/webhooks/{endpoint['id']}/dead").json()["items"] == []
    assert {each.id for each in receiver.received()} == {dead["event_id"]}


def until_dead(http: httpx.Client, endpoint_id: str) -> Any:
    """The receiver has answered; that it was given up is in the store a moment later."""
    deadline = time.monotonic() + GIVEN_UP_SECONDS
    while time.monotonic() < deadline:
        items = http.get(f"/webhooks/{endpoint_id}/dead").json()["items"]
        if items:
            return items[0]
        time.sleep(0.01)
    raise AssertionError("it was never given up")


def test_an_endpoint_that_never_works_says_so_where_it_is_listed(
    allowing: Running, http: httpx.Client, receiver: Receiver
) -> None:
    receiver.answers = lambda number, path: 500
    fine = added(http, receiver.url + "/unused", "countermand.project.created.v1")
    broken = added(http, receiver.url, CANCEL)
    stopped(http)
    until_dead(http, broken["id"])
    listed = {each["id"]: each for each in http.get("/webhooks").json()["items"]}
    one = http.get(f"/webhooks/{broken['id']}").json()

    assert listed[broken["id"]] == one
    assert (one["pending"], one["dead"], one["last_status"]) == (0, 1, 500)
    assert one["last_error"] == "it answered 500"
    told = [listed[fine["id"]][name] for name in ("pending", "dead", "last_status", "last_error")]
    assert told == [0, 0, None, None]
    assert "it answered 500" in allowing.run("webhooks", "list")


def test_a_receiver_that_never_answers_holds_up_nobody_else(
    http: httpx.Client, receiver: Receiver
) -> None:
    receiver.answers = lambda number, path: None if path == "/never" else 204
    never = added(http, receiver.url + "/never", CANCEL)
    added(http, receiver.url + "/", CANCEL)
    stopped(http)
    receiver.until(lambda: bool(receiver.accepted("/")))
    dead = until_dead(http, never["id"])

    assert dead["last_status"] is None
    assert dead["last_error"] == "it didn't answer within 0.5 s"
    assert len(receiver.received("/never")) == 4


def test_a_slow_receiver_is_waited_for_until_its_time_is_over(
    http: httpx.Client, receiver: Receiver
) -> None:
    receiver.pause_seconds = 0.1
    endpoint = added(http, receiver.url, CANCEL)
    stopped(http)
    receiver.until(lambda: bool(receiver.accepted()))
    receiver.pause_seconds = 1.0  # Twice as long as an attempt may take; then it accepts.
    stopped(http)
    dead = until_dead(http, endpoint["id"])

    assert dead["event_id"] != receiver.received()[0].id
    assert dead["last_status"] is None
    assert dead["last_error"] == "it didn't answer within 0.5 s"


def test_a_redirect_is_a_failure_and_is_not_followed(
    http: httpx.Client, receiver: Receiver
) -> None:
    receiver.answers = lambda number, path: 302 if path == "/moved" else 204
    receiver.location = receiver.url + "/elsewhere"
    endpoint = added(http, receiver.url + "/moved", CANCEL)
    stopped(http)
    dead = until_dead(http, endpoint["id"])

    assert "redirects aren't followed" in dead["last_error"]
    assert receiver.received("/elsewhere") == []


def test_after_a_rotation_either_secret_proves_a_delivery_until_the_old_one_ends(
    http: httpx.Client, receiver: Receiver
) -> None:
    endpoint = added(http, receiver.url, CANCEL)
    path = f"/webhooks/{endpoint['id']}/rotate"
    second = http.post(path, json={"overlap_seconds": 3600}).json()["secret"]
    stopped(http)
    receiver.until(lambda: len(receiver.accepted()) == 1)
    third = http.post(path, json={"overlap_seconds": 0}).json()["secret"]
    stopped(http)
    receiver.until(lambda: len(receiver.accepted()) == 2)
    both, one = receiver.accepted()

    def good(secret: str, received: Received) -> bool:
        try:
            Webhook(secret).verify(received.body, received.headers)
        except WebhookVerificationError:
            return False
        return True

    assert [good(each, both) for each in (endpoint["secret"], second)] == [True, True]
    assert [good(each, one) for each in (endpoint["secret"], second, third)] == [
        False, False, True,
    ]  # fmt: skip


def test_a_secret_is_shown_to_who_made_it_and_in_no_other_answer(
    allowing: Running, http: httpx.Client, receiver: Receiver
) -> None:
    key = {"idempotency-key": "make-one"}
    body = {"url": receiver.url, "description": "for the audit"}
    made = http.post("/webhooks", json=body, headers=key)
    again = http.post("/webhooks", json=body, headers=key)
    id = made.json()["id"]

    assert (again.status_code, again.content) == (201, made.content)
    shown = [http.get("/webhooks"), http.get(f"/webhooks/{id}"), http.delete(f"/webhooks/{id}")]
    assert all("secret" not in each.text for each in shown)
    assert made.json()["secret"] not in allowing.said()


def test_who_made_an_endpoint_and_never_heard_its_secret_hears_it_again(
    allowing: Running, http: httpx.Client, receiver: Receiver
) -> None:
    """The endpoint was made, and the answer was lost before it was kept."""
    key = {"idempotency-key": "made-and-not-told"}
    body = {"url": receiver.url, "types": [CANCEL]}
    made = http.post("/webhooks", json=body, headers=key)
    forget_answers(allowing)

    again = http.post("/webhooks", json=body, headers=key)
    assert (again.status_code, again.json()) == (201, made.json())
    forget_answers(allowing)
    other = http.post("/webhooks", json={"url": receiver.url}, headers=key)
    assert (other.status_code, other.json()["reason"]) == (409, "idempotency_key_reused")


def forget_answers(service: Running) -> None:
    """As if all keys were too old."""
    with sqlite3.connect(service.data / FILE, timeout=30) as store:
        store.execute("DELETE FROM idempotency_keys")
    store.close()


def test_a_removed_endpoint_hears_nothing_more(http: httpx.Client, receiver: Receiver) -> None:
    gone = added(http, receiver.url + "/gone", CANCEL)
    assert http.delete(f"/webhooks/{gone['id']}").status_code == 200
    added(http, receiver.url + "/", CANCEL)
    stopped(http)
    receiver.until(lambda: bool(receiver.accepted("/")))

    assert receiver.received("/gone") == []
    assert http.get(f"/webhooks/{gone['id']}").status_code == 404


def test_nobody_sees_or_hears_another_organization_s_events(
    allowing: Running, http: httpx.Client, receiver: Receiver
) -> None:
    mine = added(http, receiver.url + "/mine", CANCEL)
    with allowing.http(allowing.new_key("strangers", "admin")) as stranger:
        added(stranger, receiver.url + "/theirs", CANCEL)
        for way in ("", "/dead"):
            assert stranger.get(f"/webhooks/{mine['id']}{way}").status_code == 404
        for way in ("/rotate", "/redeliver"):
            assert stranger.post(f"/webhooks/{mine['id']}{way}").status_code == 404
        assert stranger.delete(f"/webhooks/{mine['id']}").status_code == 404
        stopped(http)
        stopped(stranger)
        receiver.until(lambda: bool(receiver.accepted("/mine") and receiver.accepted("/theirs")))

    assert len(receiver.accepted("/mine")) == 1
    assert receiver.accepted("/theirs")[0].json["data"]["event"]["organization"] == "strangers"


def test_only_who_operates_may_name_receivers(allowing: Running) -> None:
    with allowing.http(allowing.new_key("default", "operator")) as operator:
        assert operator.get("/webhooks").status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.8/x",
        "https://169.254.169.254/latest", "https://[::ffff:192.168.0.1]/", "https://[64:ff9b::a00:1]/",
        "https://user:pass@example.org/", "https://", "ftp://example.org/", "https://exa mple.org/",
        "https://example.org/#there", "nonsense", "https://[fe80::1%25eth0]/", "https://0.0.0.0/",
    ],
)  # fmt: skip
def test_what_must_not_be_reached_is_refused_at_once(service: Running, url: str) -> None:
    with service.http() as http:
        answer = http.post("/webhooks", json={"url": url})

    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"].startswith("url")


def test_a_name_that_leads_to_this_machine_is_not_reached(service: Running) -> None:
    """Nobody has allowed private addresses in this service; its first attempt tells."""
    receiver = Receiver()
    port = receiver.url.rpartition(":")[2]
    try:
        with service.http(service.new_key("sly", "admin")) as http:
            endpoint = added(http, f"https://localhost:{port}/", CANCEL)
            stopped(http)
            shown = until_failed(http, endpoint["id"])
            assert "countermand_webhooks_failing 1.0" in httpx.get(service.url + "/metrics").text
            assert http.delete(f"/webhooks/{endpoint['id']}").status_code == 200
    finally:
        receiver.close()
    assert receiver.received() == []
    assert "leads to, an address that isn't public" in shown["last_error"]
    assert (shown["pending"], shown["dead"], shown["last_status"]) == (1, 0, None)


def until_failed(http: httpx.Client, endpoint_id: str) -> Any:
    """Its first delivery has been tried, and is to be tried again."""
    deadline = time.monotonic() + GIVEN_UP_SECONDS
    while time.monotonic() < deadline:
        shown = http.get(f"/webhooks/{endpoint_id}").json()
        if shown["last_error"]:
            return shown
        time.sleep(0.01)
    raise AssertionError("nothing was tried")


def test_a_type_that_does_not_exist_is_refused_with_those_that_do(http: httpx.Client) -> None:
    answer = http.post("/webhooks", json={"url": "https://example.org/", "types": ["task.done"]})

    assert answer.status_code == 422
    assert CANCELLED in answer.json()["detail"]


def test_there_is_a_limit(http: httpx.Client) -> None:
    answers = [http.post("/webhooks", json={"url": "https://example.org/"}) for _ in range(51)]

    assert [each.status_code for each in answers] == [201] * 50 + [429]


def test_the_command_line_does_all_of_it(allowing: Running, receiver: Receiver) -> None:
    receiver.answers = lambda number, path: 500 if number < 4 else 204

    def typed(*arguments: str) -> str:
        return allowing.run("webhooks", *arguments)

    made = json.loads(typed("add", receiver.url, "--type", CANCEL, "--json"))
    assert made["secret"].startswith("whsec_")
    assert made["id"] in typed("list")
    with allowing.http() as http:
        stopped(http)
        until_dead(http, made["id"])
    assert "it answered 500" in typed("dead", made["id"])
    assert "1 queued again" in typed("redeliver", made["id"])
    receiver.until(lambda: bool(receiver.accepted()))
    assert "whsec_" in typed("rotate", made["id"])
    typed("remove", made["id"])
    with allowing.http() as http:
        assert http.get(f"/webhooks/{made['id']}").status_code == 404


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_no_event_is_skipped_when_the_service_is_killed_while_it_delivers(
    tmp_path: Path, tally: Tally
) -> None:
    """kill -9 at a moment when deliveries are under way, again and again."""
    unsteady = random.Random(8)
    receiver = Receiver(lambda number, path: unsteady.choice((204, 204, 204, 500)))
    receiver.pause_seconds = 0.01
    retries = json.dumps([0.01] * 40)
    running = Running(
        tmp_path,
        environment={**HERE, "COUNTERMAND_WEBHOOKS__RETRY_AFTER_SECONDS": retries},
    )
    running.start()
    tasks: list[str] = []

    def kill(_number: int) -> bool:
        """Of each of five tasks two events at least are in the log, as the answers said."""
        with running.http() as http:
            latest = [stopped(http) for _ in range(5)]
        tasks.extend(latest)
        wanted = unsteady.randint(1, 8)
        receiver.until(lambda: accepted_of(receiver, latest) >= wanted)
        running.kill()
        came_half_way = 0 < accepted_of(receiver, latest) < 2 * len(latest)
        running.start()
        return came_half_way

    try:
        with running.http() as http:
            added(http, receiver.url)
        kills = half_way(count(small=1, full=50), kill)
        with running.http() as http:
            expected = dict[str, str]()
            # What closes a history may still come, and may have been lost with its executor.
            while (found := every_event(http)) != expected:
                expected = found
                receiver.until(lambda: {each.id for each in receiver.accepted()} >= set(found))
            assert len(expected) >= 2 * len(tasks)  # of each: submitted, cancel requested
    finally:
        running.stop()
        receiver.close()
    # What came after the last look at the history isn't asked for.
    in_order: dict[str, list[str]] = defaultdict(list)
    for each in receiver.accepted():
        root = each.json["data"]["event"]["root"]
        if each.id in expected and each.id not in in_order[root]:
            in_order[root].append(each.id)
    assert {id for ids in in_order.values() for id in ids} == set(expected)
    for root, ids in in_order.items():
        assert ids == [id for id, of in expected.items() if of == root], root
    tally(f"{kills}; {len(expected)} events, {len(receiver.received())} attempts")


def accepted_of(receiver: Receiver, task_ids: Collection[str]) -> int:
    """How many of the events that were there when their callers had their answers."""
    found = {
        each.id
        for each in receiver.accepted()
        if each.json["type"] in (SUBMITTED, CANCEL)
        and each.json["data"]["event"]["root"] in task_ids
    }
    return len(found)


def every_event(http: httpx.Client) -> dict[str, str]:
    """The root of each event that did something or was noted, in the order of the log."""
    found: dict[str, str] = {}
    cursor: str | None = None
    while True:
        query = {"limit": "500"} if cursor is None else {"limit": "500", "cursor": cursor}
        page = http.get("/history", params=query).json()
        for line in page["items"]:
            if line["verdict"] != "void":
                found[line["event"]["id"]] = line["event"]["root"]
        cursor = page["next_cursor"]
        if cursor is None or not page["items"]:
            return found
