"""What an executor and its hosts say to each other; countermand.handlers has the other side."""

from typing import Any, NamedTuple

from pydantic import JsonValue

from services.executor.runtime import Order, Stop


class HandlerInfo(NamedTuple):
    """What a host says of a handler."""

    alone: bool
    """It has a process of its own: it is sync, or asked for it."""
    stop_within_seconds: float | None
    secrets: tuple[str, ...]


def handlers_in(ready: dict[str, Any]) -> dict[str, HandlerInfo]:
    return {
        name: HandlerInfo(
            alone=info["mode"] == "sync" or info["isolated"],
            stop_within_seconds=info.get("stop_within_seconds"),
            secrets=tuple(info.get("secrets") or ()),
        )
        for name, info in ready["handlers"].items()
    }


def problems_in(ready: dict[str, Any]) -> dict[str, str]:
    """Modules that could not be imported, and why."""
    return {each["module"]: each["error"] for each in ready.get("problems") or ()}


def run(order: Order) -> dict[str, Any]:
    return {
        "op": "run",
        "run": str(order.run_id),
        "task": order.task_id,
        "handler": order.kind,
        "payload": order.payload,
        "attempt": order.attempt,
        "deadline": order.deadline.isoformat() if order.deadline else None,
        "answers": list(order.answers),
        "labels": dict(order.labels),
        "secrets": dict(order.secrets),
    }


def stop(order: Order, stop: Stop) -> dict[str, Any]:
    return {
        "op": "stop",
        "run": str(order.run_id),
        "why": stop.why,
        "reason": stop.reason,
        "grace_seconds": stop.grace_seconds,
    }


def answer(order: Order, wait: int, answer: JsonValue) -> dict[str, Any]:
    return {"op": "answer", "run": str(order.run_id), "wait": wait, "answer": answer}


def submitted(
    order: Order, call: JsonValue, task_id: str | None, error: str | None
) -> dict[str, Any]:
    """`call` is the number that the run gave to what it asked."""
    about = {"task": task_id} if error is None else {"error": error}
    return {"op": "submitted", "run": str(order.run_id), "call": call, **about}


def ping(number: int) -> dict[str, Any]:
    return {"op": "ping", "number": number}
