"""A request that each operation of the native API answers, and what it needs: one line for each, so
that what holds for all of them is tried on all of them."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from services.permissions import Permission
from tests.e2e.asking import LATER, project, submitted, waiting
from tests.e2e.running import until_running

READ, SUBMIT = Permission.TASKS_READ, Permission.TASKS_SUBMIT
CANCEL, STEER = Permission.TASKS_CANCEL, Permission.TASKS_STEER
OPERATE, CARRY = Permission.OPERATE, Permission.REGIONS_CARRY

Made = Callable[[httpx.Client], Any]
NOWHERE = "019ab8c0-0000-7000-8000-000000000000"
NEVER_SAID = "countermand.cancel.overran.v1"
"""An event that these tests don't make: a webhook on it delivers nothing."""


class Example(NamedTuple):
    """A request that is answered as it should be."""

    needs: tuple[Permission, ...]
    made: Made | None = None
    """Makes what it is about: the value of the id in the path."""
    body: Made | None = None
    """Makes its body."""
    other: Any = None
    """Another body that is understood."""
    query: str = ""
    stranger: int = 404
    """What who may do everything in another organization is answered about what its path names."""
    absent: str = ""
    """Why nothing of it can be had from a service without other regions."""


def a_task(http: httpx.Client) -> str:
    return waiting(http)


def a_cancelled_task(http: httpx.Client) -> str:
    task_id = waiting(http)
    assert http.post(f"/tasks/{task_id}/cancel").status_code == 200
    return task_id


def an_asking_task(http: httpx.Client) -> str:
    task_id = submitted(http, "asks")
    until_running(http, task_id, "waiting")
    return task_id


def a_failed_task(http: httpx.Client) -> str:
    task_id = submitted(http, "fail", payload={"message": "as told"})
    until_running(http, task_id, "failed")
    return task_id


def a_project(http: httpx.Client, **more: Any) -> str:
    return str(project(http, **more)["id"])


def an_approved_project(http: httpx.Client) -> str:
    return a_project(http, approved=True)


def an_empty_project(http: httpx.Client) -> str:
    return str(http.post("/projects", json={"title": "to be planned"}).json()["id"])


def a_paused_project(http: httpx.Client) -> str:
    made = an_approved_project(http)
    assert http.post(f"/projects/{made}/pause").status_code == 200
    return made


def a_cancelled_project(http: httpx.Client) -> str:
    made = a_project(http)
    assert http.post(f"/projects/{made}/cancel").status_code == 200
    return made


def a_planned_task(http: httpx.Client) -> str:
    return f"{an_approved_project(http)}.first"


def an_executor(http: httpx.Client) -> str:
    return str(http.get("/executors").json()["items"][0]["id"])


def a_preview(http: httpx.Client) -> dict[str, Any]:
    mark = uuid4().hex
    waiting(http, labels={"mark": mark})
    where = {"where": {"labels": {"mark": mark}}}
    return {"token": http.post("/bulk-cancels/preview", json=where).json()["token"]}


def a_bulk_cancel(http: httpx.Client) -> str:
    job = http.post("/bulk-cancels", json=a_preview(http))
    assert job.status_code == 202, job.text
    return str(job.json()["id"])


def an_endpoint(http: httpx.Client) -> str:
    return str(http.post("/webhooks", json=A_WEBHOOK).json()["id"])


def a_region(_: httpx.Client) -> str:
    return "elsewhere"


A_TASK = {"kind": "sleep", "not_before": LATER}
A_WEBHOOK = {"url": "https://example.org/in", "types": [NEVER_SAID]}
A_PARCEL = {"source": "elsewhere", "start": "0:0", "end": "0:1", "read_at": LATER}
WHY = {"reason": "another one"}
ALONE = "there is no other region here"

EXAMPLES: dict[str, Example] = {
    "POST /tasks": Example((SUBMIT,), None, lambda _: A_TASK, {"kind": "another"}),
    "GET /tasks": Example((READ,)),
    "GET /tasks/{task_id}": Example((READ,), a_task),
    "POST /tasks/{task_id}/cancel": Example((CANCEL,), a_task, None, WHY),
    "POST /tasks/{task_id}/approve": Example((STEER,), an_asking_task, None, WHY),
    "POST /tasks/{task_id}/retry": Example((STEER,), a_failed_task, None, WHY),
    "POST /tasks/{task_id}/skip": Example((STEER,), a_planned_task, None, WHY),
    "POST /tasks/{task_id}/move": Example((SUBMIT,), a_task, None, WHY, stranger=422, absent=ALONE),
    "GET /tasks/{task_id}/receipt": Example((READ,), a_cancelled_task),
    "GET /tasks/{task_id}/history": Example((READ,), a_task),
    "GET /tasks/{task_id}/stream": Example((READ,), a_task),
    "POST /projects": Example((SUBMIT,), None, lambda _: {"title": "new"}, {"title": "another"}),
    "GET /projects": Example((READ,)),
    "GET /projects/{project_id}": Example((READ,), a_project),
    "POST /projects/{project_id}/plan": Example((STEER,), an_empty_project, None, WHY),
    "POST /projects/{project_id}/approve": Example((STEER,), a_project, None, WHY),
    "POST /projects/{project_id}/pause": Example((STEER,), an_approved_project, None, WHY),
    "POST /projects/{project_id}/resume": Example((STEER,), a_paused_project, None, WHY),
    "POST /projects/{project_id}/cancel": Example((CANCEL,), a_project, None, WHY),
    "GET /projects/{project_id}/receipt": Example((READ,), a_cancelled_project),
    "GET /projects/{project_id}/history": Example((READ,), a_project),
    "GET /projects/{project_id}/stream": Example((READ,), a_project),
    "GET /history": Example((READ,)),
    "GET /stream": Example((READ,)),
    "GET /export": Example((OPERATE, READ)),
    "GET /pulse": Example((READ,)),
    "POST /bulk-cancels/preview": Example(
        (OPERATE, CANCEL), None, lambda _: {"where": {"kind": "none"}}, {"where": {"kind": "x"}}
    ),
    "POST /bulk-cancels": Example((OPERATE, CANCEL), None, a_preview, {"token": NOWHERE}),
    "GET /bulk-cancels": Example((OPERATE, CANCEL)),
    "GET /bulk-cancels/{job_id}": Example((OPERATE, CANCEL), a_bulk_cancel),
    "GET /bulk-cancels/{job_id}/items": Example((OPERATE, CANCEL), a_bulk_cancel),
    "POST /bulk-cancels/{job_id}/stop": Example((OPERATE, CANCEL), a_bulk_cancel, None, WHY),
    "GET /executors": Example((OPERATE,)),
    "GET /executors/{executor_id}": Example((OPERATE,), an_executor, stranger=200),
    "POST /executors/{executor_id}/drain": Example(
        (OPERATE,), an_executor, None, WHY, stranger=403
    ),
    "POST /executors/{executor_id}/resume": Example(
        (OPERATE,), an_executor, None, WHY, stranger=403
    ),
    "POST /webhooks": Example(
        (OPERATE,), None, lambda _: A_WEBHOOK, {**A_WEBHOOK, "description": "another"}
    ),
    "GET /webhooks": Example((OPERATE,)),
    "GET /webhooks/{endpoint_id}": Example((OPERATE,), an_endpoint),
    "DELETE /webhooks/{endpoint_id}": Example((OPERATE,), an_endpoint, None, WHY),
    "POST /webhooks/{endpoint_id}/rotate": Example(
        (OPERATE,), an_endpoint, None, {"overlap_seconds": 1}
    ),
    "GET /webhooks/{endpoint_id}/dead": Example((OPERATE,), an_endpoint),
    "POST /webhooks/{endpoint_id}/redeliver": Example(
        (OPERATE,), an_endpoint, None, {"event_ids": []}
    ),
    "GET /regions": Example((READ,)),
    "GET /requests/{event_id}": Example((READ,), lambda _: NOWHERE, absent=ALONE),
    "GET /regions/end": Example((CARRY,), absent=ALONE),
    "GET /regions/{region}/parcels": Example(
        (CARRY,), a_region, query="start=0:0", stranger=403, absent=ALONE
    ),
    "GET /regions/{region}/taken": Example((CARRY,), a_region, stranger=403, absent=ALONE),
    "POST /regions/parcels": Example((CARRY,), None, lambda _: A_PARCEL, A_PARCEL, absent=ALONE),
}
