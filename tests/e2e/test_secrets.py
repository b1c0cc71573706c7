"""Secrets of tasks: only their runs ever see them, and when a task has ended nobody can."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.authors.secretive import digest
from tests.e2e.running import Running, until_running, up

COMMANDS = {
    "show": {"argv": ["sh", "-c", 'echo "it is $TOKEN"; test -n "$TOKEN"'], "secrets": ["TOKEN"]}
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(
        tmp_path_factory.mktemp("secrets"),
        ["--handlers", "tests.authors.secretive"],
        {"COUNTERMAND_EXECUTOR__COMMANDS": json.dumps(COMMANDS)},
    ) as running:
        yield running


@pytest.fixture
def http(service: Running) -> Iterator[httpx.Client]:
    with service.http() as client:
        yield client


class Given:
    """Secrets of one test."""

    def __init__(self) -> None:
        self.token = f"token-{uuid4().hex}"
        self.password = f"password-{uuid4().hex}"

    def login(self, then: str = "return", **more: Any) -> dict[str, Any]:
        payload = {"user": "ada", "password": self.password, "then": then}
        return {"kind": "log-in", "payload": payload, "secrets": {"token": self.token}, **more}

    def seen_in(self, text: str | bytes) -> bool:
        raw = text.encode() if isinstance(text, str) else text
        return any(secret.encode() in raw for secret in (self.token, self.password))


def submitted(http: httpx.Client, body: dict[str, Any], **headers: str) -> str:
    answer = http.post("/tasks", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def keys_of(data: Path, task_id: str) -> list[bytes]:
    with sqlite3.connect(data / "control.sqlite") as store:
        found = store.execute("SELECT key FROM secret_keys WHERE task_id = ?", (task_id,))
        return [key for (key,) in found]


def until_keys(data: Path, task_id: str, number: int) -> None:
    until(lambda: len(keys_of(data, task_id)) == number, f"{number} keys of {task_id}")


def until_gone(data: Path, key: bytes) -> None:
    """Its bytes are in no file of the service."""
    files = [data / name for name in ("control.sqlite", "control.sqlite-wal")]
    until(
        lambda: not any(file.exists() and key in file.read_bytes() for file in files),
        "a key whose bytes are gone",
    )


def until(reached: Callable[[], bool], what: str) -> None:
    """A deletion is announced nowhere: to look again and again is the only way to see it."""
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, f"there never was {what}"


def everything_shown(http: httpx.Client, task_id: str, last: str = '"status":"') -> str:
    """Whatever the service says of a task, and its stream until `last` is in it."""
    paths = (
        f"/tasks/{task_id}",
        f"/tasks/{task_id}/history",
        "/tasks?limit=99",
        "/history?limit=99",
    )
    said = "".join(http.get(path).text for path in paths)
    with http.stream("GET", f"/tasks/{task_id}/stream", timeout=30) as frames:
        for line in frames.iter_lines():
            said += line
            if last in line:
                return said
    raise AssertionError(f"the stream ended without {last}")


def test_only_the_run_sees_them(service: Running, http: httpx.Client) -> None:
    given = Given()
    task_id = submitted(http, given.login())
    until_running(http, task_id, "succeeded")
    result = http.get(f"/tasks/{task_id}").json()["result"]
    assert result["told"] == ["password", "token"]
    assert result["digests"] == [digest(given.token), digest(given.password)]
    assert result["leaked"] == "***/***"
    assert not given.seen_in(everything_shown(http, task_id, last='{"token":"***"'))
    assert not given.seen_in(service.said())
    for file in service.data.iterdir():
        if file.is_file():
            assert not given.seen_in(file.read_bytes()), file.name


def test_an_error_does_not_give_them_away(service: Running, http: httpx.Client) -> None:
    given = Given()
    task_id = submitted(http, given.login("fail"))
    until_running(http, task_id, "failed")
    assert http.get(f"/tasks/{task_id}").json()["error"].endswith("*** and *** was refused")
    sync_id = submitted(http, {"kind": "log-in-sync", "secrets": {"token": given.token}})
    until_running(http, sync_id, "failed")
    wrong = {"user": "ada", "password": [given.password]}
    wrong_id = submitted(http, {"kind": "log-in", "payload": wrong})
    until_running(http, wrong_id, "failed")
    assert "payload.password must be a text" in http.get(f"/tasks/{wrong_id}").json()["error"]
    for each in (task_id, sync_id, wrong_id):
        assert not given.seen_in(everything_shown(http, each))
    until(lambda: "no luck with ***" in service.said(), "a masked error on standard error")
    assert not given.seen_in(service.said())


def test_the_key_goes_when_the_task_ends(service: Running, http: httpx.Client) -> None:
    given = Given()
    task_id = submitted(http, given.login("sleep"))
    until_running(http, task_id)
    (key,) = keys_of(service.data, task_id)
    assert http.post(f"/tasks/{task_id}/cancel").status_code == 200
    until_gone(service.data, key)


def test_a_submission_that_comes_too_late_leaves_no_key(
    service: Running, http: httpx.Client
) -> None:
    first = Given().login(id=f"taken-{uuid4().hex}", not_before="2099-01-01T00:00:00Z")
    task_id = submitted(http, first, **{"idempotency-key": uuid4().hex})
    (key,) = keys_of(service.data, task_id)
    second = http.post("/tasks", json={**first, "secrets": {"token": "another"}})
    assert second.status_code == 409
    until_keys(service.data, task_id, 1)
    assert keys_of(service.data, task_id) == [key]
    http.post(f"/tasks/{task_id}/cancel")
    until_gone(service.data, key)


def test_a_failed_task_is_not_retried_without_them(http: httpx.Client) -> None:
    task_id = submitted(http, Given().login("fail"))
    until_running(http, task_id, "failed")
    retried = http.post(f"/tasks/{task_id}/retry")
    assert (retried.status_code, retried.json()["reason"]) == (409, "secrets_destroyed")


def test_a_run_may_hand_them_on_to_its_children(http: httpx.Client) -> None:
    given = Given()
    task_id = submitted(http, given.login("hand on"))
    until_running(http, task_id, "succeeded")
    (child,) = http.get("/tasks", params={"parent": task_id}).json()["items"]
    until_running(http, child["id"], "succeeded")
    digests = http.get(f"/tasks/{child['id']}").json()["result"]["digests"]
    assert digests == [digest(given.token)] * 2
    assert not given.seen_in(everything_shown(http, child["id"]))


def test_a_command_gets_those_that_its_settings_name(http: httpx.Client) -> None:
    given = Given()
    secrets = {"TOKEN": given.token, "OTHER": given.password}
    task_id = submitted(http, {"kind": "show", "secrets": secrets})
    until_running(http, task_id, "succeeded")
    assert not given.seen_in(everything_shown(http, task_id, last="it is ***"))


def test_secrets_of_a_project_are_sealed_too(http: httpx.Client) -> None:
    given = Given()
    task = {**given.login(), "id": "only"}
    made = http.post("/projects", json={"tasks": [task], "approved": True}).json()
    until_running(http, f"{made['id']}.only", "succeeded")
    assert not given.seen_in(everything_shown(http, f"{made['id']}.only"))


def test_a_restarted_service_opens_them_again_and_destroys_what_was_missed(
    folder: Path,
) -> None:
    given, ended = Given(), Given()
    service = Running(folder, ["--handlers", "tests.authors.secretive"])
    service.start()
    with service.http() as http:
        task_id = submitted(http, given.login("sleep"))
        ended_id = submitted(http, ended.login())
        until_running(http, ended_id, "succeeded")
        until_keys(service.data, ended_id, 0)
    service.kill()
    # As if it had died between the end and the deletion.
    with sqlite3.connect(service.data / "control.sqlite") as store:
        (key,) = keys_of(service.data, task_id)
        store.execute(
            "INSERT INTO secret_keys SELECT 'missed', organization, ?, key, 0 FROM secret_keys",
            (ended_id,),
        )
    service.start()
    with service.http() as http:
        until_keys(service.data, ended_id, 0)
        until_running(http, task_id)
        assert keys_of(service.data, task_id) == [key]
        # Its second run was told them: what it says first is masked.
        with http.stream("GET", f"/tasks/{task_id}/stream", timeout=30) as frames:
            attempts = 0
            for line in frames.iter_lines():
                assert not given.seen_in(line)
                attempts += "with ***" in line
                if attempts == 2:
                    break
        http.post(f"/tasks/{task_id}/cancel")
        until_gone(service.data, key)
    assert service.stop() == 0
