"""How Trigger.dev shows a run: today, and to its 2.x clients. Its own clients read these."""

from datetime import UTC, datetime
from typing import Any

OLD = {"COMPLETED": "SUCCESS", "FAILED": "FAILURE", "EXECUTING": "STARTED", "QUEUED": "QUEUED"}
ENDED = ("COMPLETED", "FAILED", "CANCELED")
WHY = "it was meant to fail"


def current(run: dict[str, Any], word: str) -> dict[str, Any]:
    begun = moment(run["begun_at"])
    shown = {
        "id": run["id"],
        "status": word,
        "taskIdentifier": "report",
        "idempotencyKey": run["key"],
        "version": "20260101.1",
        "isQueued": False,
        "isExecuting": word == "EXECUTING",
        "isWaiting": False,
        "isCompleted": word in ENDED,
        "isSuccess": word == "COMPLETED",
        "isFailed": word == "FAILED",
        "isCancelled": word == "CANCELED",
        "isTest": False,
        "createdAt": begun,
        "updatedAt": begun,
        "startedAt": begun,
        "tags": ["countermand"],
        "costInCents": 0,
        "baseCostInCents": 0,
        "durationMs": 0,
        "depth": 0,
        "triggerFunction": "trigger",
        "relatedRuns": {"children": []},
        "attemptCount": 1,
    }
    match word:
        case "COMPLETED":
            return shown | {"output": {"said": "done"}}
        case "FAILED":
            return shown | {"error": {"name": "Error", "message": WHY}}
        case _:
            return shown


def old(run: dict[str, Any], word: str) -> dict[str, Any]:
    shown = {**in_short(run, word), "updatedAt": moment(run["begun_at"]), "tasks": []}
    match word:
        case "COMPLETED":
            return shown | {"output": {"said": "done"}}
        case "FAILED":
            return shown | {"output": {"message": WHY}}
        case _:
            return shown


def in_short(run: dict[str, Any], word: str) -> dict[str, Any]:
    """In an event's list of runs."""
    begun = moment(run["begun_at"])
    return {
        "id": run["id"],
        "status": OLD.get(word, word),
        "startedAt": begun,
        "completedAt": begun if word in ENDED else None,
    }


def sent(key: str, name: str, payload: Any, seconds: float) -> dict[str, Any]:
    """An event, as it was taken."""
    return {"id": key, "name": name, "payload": payload, "timestamp": moment(seconds)}


def event(key: str, runs: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    at = moment(seconds)
    return {"id": key, "name": "report", "createdAt": at, "updatedAt": at, "runs": runs}


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
