"""NICo's tasks over real HTTP: the checklist of its documentation, item by item."""

import json
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.dialects.trying import (
    ELSEWHERE,
    FIRST_SITE,
    FLOWLESS_SITE,
    FOREIGN_SITE,
    RACKS,
    SITE,
    bearer_token,
    forced,
    until,
)
from tests.e2e.running import Running

BASE = "/v2/org/default/nico"
HERE = {"siteId": SITE}
RACK = RACKS[0]


@pytest.fixture
def nico(service: Running, http: httpx.Client) -> httpx.Client:
    http.headers["authorization"] = f"Bearer {service.key}"
    return http


def powered(nico: httpx.Client, rack: str = RACK, site: str = SITE) -> str:
    body = {"siteId": site, "state": "on"}
    answer = nico.patch(f"{BASE}/rack/{rack}/power", json=body)
    assert answer.status_code == 200, answer.text
    (task_id,) = answer.json()["taskIds"]
    return str(task_id)


def cancel(nico: httpx.Client, task_id: str, body: Any = HERE, **more: Any) -> httpx.Response:
    return nico.post(f"{BASE}/task/{task_id}/cancel", json=body, **more)


def refused(answer: httpx.Response, status: int, message: str, data: Any = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"source": "nico", "message": message, "data": data}


@pytest.mark.parametrize("mount", ["task", "rack/task"])
def test_n1_and_n2_both_mounts_terminate_a_running_task(
    nico: httpx.Client, native: httpx.Client, mount: str
) -> None:
    task_id = powered(nico)
    until(native, task_id)
    shown = nico.get(f"{BASE}/{mount}/{task_id}", params=HERE)
    assert shown.json()["status"] == "Running"
    answer = nico.post(f"{BASE}/{mount}/{task_id}/cancel", json=HERE)
    assert answer.status_code == 202
    task = answer.json()
    assert task["status"] == "Terminated"
    assert task["message"] == "Cancelled by user"
    assert task["finished"] == task["updated"]
    later = nico.get(f"{BASE}/{mount}/{task_id}", params=HERE)
    assert later.content == answer.content


def test_n2_what_hasnt_begun_is_terminated_too(nico: httpx.Client, native: httpx.Client) -> None:
    later = {"kind": "sleep", "not_before": "2099-01-01T00:00:00Z"}
    task_id = native.post("/tasks", json=later).json()["id"]
    assert nico.get(f"{BASE}/task/{task_id}", params=HERE).json()["status"] == "Waiting"
    task = cancel(nico, task_id).json()
    assert (task["status"], task["started"]) == ("Terminated", None)
    pending = powered(nico, site=ELSEWHERE)
    assert cancel(nico, pending, {"siteId": ELSEWHERE}).json()["status"] == "Terminated"


def test_n3_a_repeated_cancel_answers_the_same_bytes(nico: httpx.Client) -> None:
    task_id = powered(nico)
    first, again = cancel(nico, task_id), cancel(nico, task_id)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.content == again.content


def test_n4_a_finished_task_cannot_be_cancelled(nico: httpx.Client, native: httpx.Client) -> None:
    begun = nico.post(f"{BASE}/rack/{RACK}/bringup", json={**HERE, "seconds": 0})
    (task_id,) = begun.json()["taskIds"]
    until(native, task_id, "succeeded")
    before = nico.get(f"{BASE}/task/{task_id}", params=HERE).content
    message = f"task {task_id} cannot be cancelled (status: completed)"
    refused(cancel(nico, task_id), 400, message)
    assert nico.get(f"{BASE}/task/{task_id}", params=HERE).content == before
    failed = native.post("/tasks", json={"kind": "fail"}).json()["id"]
    until(native, failed, "failed")
    message = f"task {failed} cannot be cancelled (status: failed)"
    refused(cancel(nico, failed), 400, message)


def test_n5_a_missing_or_invalid_site_is_400(nico: httpx.Client) -> None:
    task_id = powered(nico)
    wrong: list[tuple[Any, str, Any]] = [
        ({}, "Failed to validate cancel task request data", {}),
        ({"siteId": ""}, "Failed to validate cancel task request data", {}),
        ({"siteId": "x"}, "Failed to validate Site specified in request: invalid ID", None),
        ({"siteId": str(uuid4())}, "Site specified in request does not exist", None),
        ([], "Failed to parse request data", None),
    ]
    for body, message, data in wrong:
        refused(cancel(nico, task_id, body), 400, message, data)
    path = f"{BASE}/task/{task_id}/cancel"
    refused(nico.post(path, content=b"{"), 400, "Failed to parse request data")
    invalid = nico.post(f"{BASE}/task/nonsense/cancel", json=HERE)
    refused(invalid, 400, "Invalid Task ID specified in URL")
    cancel(nico, task_id)


def test_n6_another_sites_task_is_not_found(nico: httpx.Client) -> None:
    task_id = powered(nico)
    refused(cancel(nico, task_id, {"siteId": ELSEWHERE}), 404, "Task not found")
    refused(nico.get(f"{BASE}/task/{task_id}", params={"siteId": ELSEWHERE}), 404, "Task not found")
    refused(cancel(nico, str(uuid4())), 404, "Task not found")
    cancel(nico, task_id)


def test_n6_a_site_has_only_its_own_tasks_also_beside_others_in_its_region(
    nico: httpx.Client,
) -> None:
    task_id = powered(nico)
    neighbour = {"siteId": FIRST_SITE}
    refused(cancel(nico, task_id, neighbour), 404, "Task not found")
    refused(nico.get(f"{BASE}/task/{task_id}", params=neighbour), 404, "Task not found")
    listed = nico.get(f"{BASE}/task", params={**neighbour, "pageSize": 100})
    assert task_id not in {each["id"] for each in listed.json()}
    assert cancel(nico, task_id).json()["status"] == "Terminated"


def test_n7_another_providers_site_is_403_and_one_without_flow_412(nico: httpx.Client) -> None:
    task_id = powered(nico)
    foreign = cancel(nico, task_id, {"siteId": FOREIGN_SITE})
    message = "Site specified in request doesn't belong to current org's Provider"
    refused(foreign, 403, message)
    flowless = cancel(nico, task_id, {"siteId": FLOWLESS_SITE})
    refused(flowless, 412, "Site does not have NICo Flow enabled")
    cancel(nico, task_id)


def test_n8_the_role_in_the_paths_organization_decides(nico: httpx.Client) -> None:
    def as_role(*roles: str, org: str = "acme") -> dict[str, str]:
        return {"authorization": f"Bearer {bearer_token(org_roles={org: list(roles)})}"}

    base = "/v2/org/acme/nico"
    for role in ("FORGE_PROVIDER_ADMIN", "PROVIDER_ADMIN", "NICO_PROVIDER_ADMIN"):
        admin = as_role(role)
        body = {**HERE, "state": "off"}
        (task_id,) = nico.patch(f"{base}/rack/{RACK}/power", json=body, headers=admin).json()[
            "taskIds"
        ]
        path = f"{base}/task/{task_id}/cancel"
        no_admin = "User does not have Provider Admin role with org"
        for lesser in ("PROVIDER_VIEWER", "A_B_PROVIDER_ADMIN", "TENANT_ADMIN"):
            refused(nico.post(path, json=HERE, headers=as_role(lesser)), 403, no_admin)
        other = as_role("PROVIDER_ADMIN", org="elsewhere")
        refused(
            nico.post(path, json=HERE, headers=other),
            403,
            "Failed to validate membership for org: acme",
        )
        assert nico.post(path, json=HERE, headers=admin).json()["status"] == "Terminated"
    without = {"authorization": f"Bearer {bearer_token(org_roles={'poor': ['PROVIDER_ADMIN']})}"}
    refused(
        nico.post(f"/v2/org/poor/nico/task/{uuid4()}/cancel", json=HERE, headers=without),
        400,
        "Failed to retrieve Infrastructure Provider for org",
    )


def test_credentials_are_refused_in_nicos_words(http: httpx.Client, nico: httpx.Client) -> None:
    del http.headers["authorization"]
    path = f"{BASE}/task/{uuid4()}/cancel"
    expired = bearer_token(org_roles={}, exp=int(time.time()) - 3600)
    for header, message in (
        (None, "Request is missing authorization header"),
        ("Bearer", "Invalid Authorization header format"),
        ("Basic x", "Invalid Authorization header format"),
        ("Bearer wrong", "Invalid authorization token in request"),
        ("Bearer eyJx.eyJy.z", "Invalid authorization token in request"),
        (f"bearer {expired}", "Authorization token in request has expired"),
    ):
        headers = {} if header is None else {"authorization": header}
        refused(http.post(path, json=HERE, headers=headers), 401, message)


def test_another_organizations_task_is_not_found_by_any_path(
    nico: httpx.Client, native: httpx.Client, stranger: str
) -> None:
    task_id = powered(nico)
    theirs = {"authorization": f"Bearer {stranger}"}
    message = "Failed to validate membership for org: default"
    refused(cancel(nico, task_id, headers=theirs), 403, message)
    token = bearer_token(org_roles={"acme": ["PROVIDER_ADMIN"]})
    acme = {"authorization": f"Bearer {token}"}
    path = f"/v2/org/acme/nico/task/{task_id}/cancel"
    refused(nico.post(path, json=HERE, headers=acme), 404, "Task not found")
    assert native.get(f"/tasks/{task_id}").json()["cancel"] is None
    cancel(nico, task_id)


def test_n9_data_is_null_or_an_object_whatever_is_refused(
    nico: httpx.Client, http: httpx.Client, stranger: str, auditor: str
) -> None:
    task_id = powered(nico)
    cancelling = f"{BASE}/task/{task_id}/cancel"
    rack = f"{BASE}/rack/{RACK}/power"
    refusals = [
        nico.post(cancelling, json={}),
        nico.post(cancelling, content=b"{"),
        nico.post(cancelling, content=b"[" * 100_000),
        nico.post(cancelling, content=b" " * 20_000_000),
        nico.post(cancelling, json={"siteId": FLOWLESS_SITE}),
        nico.post(cancelling, json={"siteId": FOREIGN_SITE}),
        nico.post(f"{BASE}/task/{'x' * 5000}/cancel", json=HERE),
        nico.get(f"{BASE}/task/{task_id}"),
        nico.get(f"{BASE}/task", params={**HERE, "pageSize": 0}),
        nico.patch(rack, json={**HERE, "state": "sideways"}),
        nico.patch(rack, content=b'{"siteId": "%s", "state": "on", "x": NaN}' % SITE.encode()),
        nico.patch(f"{BASE}/rack/power", json={**HERE, "state": "on", "filter": {"names": [7]}}),
        nico.put(cancelling),
        nico.get(f"{BASE}/nowhere"),
        http.post(cancelling, json=HERE, headers={"authorization": f"Bearer {stranger}"}),
        http.post(cancelling, json=HERE, headers={"authorization": f"Bearer {auditor}"}),
        http.post(cancelling, json=HERE, headers={"authorization": "Basic x"}),
    ]
    for answer in refusals:
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/json"
        document = answer.json()
        assert list(document) == ["source", "message", "data"]
        assert document["source"] == "nico"
        assert isinstance(document["message"], str)
        assert document["data"] is None or isinstance(document["data"], dict)
    cancel(nico, task_id)


def test_n10_a_task_has_nulls_for_what_isnt_yet_and_no_report(nico: httpx.Client) -> None:
    task_id = powered(nico, site=ELSEWHERE)
    task = nico.get(f"{BASE}/task/{task_id}", params={"siteId": ELSEWHERE}).json()
    assert list(task) == [
        "id", "status", "description", "message", "ruleId", "started", "finished", "created",
        "updated",
    ]  # fmt: skip
    assert (task["status"], task["started"], task["finished"], task["ruleId"]) == (
        "Pending",
        None,
        None,
        None,
    )
    assert task["description"] == "Power on rack components"
    assert task["message"] == ""
    assert task["created"].endswith("Z")
    cancel(nico, task_id, {"siteId": ELSEWHERE})


def test_n11_a_get_needs_its_site_and_takes_nothing_unknown(nico: httpx.Client) -> None:
    path = f"{BASE}/task/{uuid4()}"
    refused(nico.get(path), 400, "siteId query parameter is required")
    unknown = nico.get(path, params={**HERE, "colour": "red"})
    refused(unknown, 400, "Unknown query parameter specified in request: colour")
    refused(nico.get(path, params=HERE), 404, "Task not found")


def test_n12_lists_say_where_they_are_in_a_header(nico: httpx.Client) -> None:
    rack = str(uuid4())
    ids = [powered(nico, rack) for _ in range(3)]
    path = f"{BASE}/rack/{rack}/task"
    first = nico.get(path, params={**HERE, "pageSize": 2})
    assert [each["id"] for each in first.json()] == ids[:0:-1]
    at = {"pageNumber": 1, "pageSize": 2, "total": 3, "orderBy": None}
    assert json.loads(first.headers["X-Pagination"]) == at
    cancel(nico, ids[0])
    active = nico.get(path, params={**HERE, "activeOnly": "true"})
    assert {each["id"] for each in active.json()} == set(ids[1:])
    everywhere = nico.get(f"{BASE}/task", params={**HERE, "pageSize": 100, "activeOnly": "true"})
    assert set(ids[1:]) <= {each["id"] for each in everywhere.json()}
    assert nico.get(path, params={"siteId": ELSEWHERE}).json() == []
    assert nico.get(path, params={**HERE, "pageSize": 101}).status_code == 400
    for task_id in ids[1:]:
        cancel(nico, task_id)


def test_work_on_many_racks_is_a_task_for_each(nico: httpx.Client) -> None:
    everything = nico.patch(f"{BASE}/rack/power", json={**HERE, "state": "off"})
    named = nico.patch(
        f"{BASE}/rack/power", json={**HERE, "state": "Off", "filter": {"names": ["Rack-001"]}}
    )
    wrong = nico.patch(f"{BASE}/rack/power", json={**HERE, "state": "reboot"})
    tray = nico.patch(f"{BASE}/tray/{uuid4()}/power", json={**HERE, "state": "cycle"})
    assert len(everything.json()["taskIds"]) == len(RACKS)
    assert len(named.json()["taskIds"]) == 1
    assert wrong.status_code == 400
    for answer in (everything, named, tray):
        for task_id in answer.json()["taskIds"]:
            assert cancel(nico, task_id).json()["status"] == "Terminated"


@pytest.mark.parametrize(
    "filter", [[], [1], "rack-1", 7, True, {"names": []}, {"names": [7]}, {"names": None}]
)
def test_a_filter_that_makes_no_sense_is_never_taken_for_none(
    nico: httpx.Client, filter: Any
) -> None:
    body = {**HERE, "state": "off", "filter": filter}
    answer = nico.patch(f"{BASE}/rack/power", json=body)
    refused(answer, 400, "Error validating request data", {"filter": "lists of ids or names"})


def test_a_cancel_that_is_not_confirmed_in_time_shows_the_state_as_it_is(
    nico: httpx.Client, native: httpx.Client
) -> None:
    begun = nico.patch(f"{BASE}/rack/{RACK}/firmware", json=HERE)
    (task_id,) = begun.json()["taskIds"]
    until(native, task_id)
    answer = cancel(nico, task_id)
    assert answer.status_code == 202
    assert answer.json()["status"] == "Running"
    assert answer.json()["message"] == "Cancellation requested; it isn't confirmed yet"
    assert answer.json()["finished"] is None
    forced(native, task_id)
    assert nico.get(f"{BASE}/task/{task_id}", params=HERE).json()["status"] == "Terminated"


def test_who_is_asking_is_told_who_they_are(nico: httpx.Client) -> None:
    assert nico.get(f"{BASE}/user/current").json()["org"] == "default"
