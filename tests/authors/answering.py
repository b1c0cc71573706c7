"""Handlers that say what they see, for the tests of the host."""

import asyncio
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from countermand import SyncTaskContext, TaskContext, TaskStopped, handler
from countermand.handlers import PermanentFailure, SubmitRefused


@dataclass(frozen=True)
class Wanted:
    """A payload."""

    name: str
    count: int = 1


@handler("facts", stop_within_seconds=2.5, secrets=("token",))
async def facts(context: TaskContext) -> dict[str, Any]:
    return {
        "task": context.task_id,
        "run": context.run_id,
        "attempt": context.attempt,
        "payload": context.payload,
        "labels": dict(context.labels),
        "deadline": context.deadline and context.deadline.isoformat(),
        "secrets": dict(context.secrets),
        "shown": repr(context),
    }


@handler("modules")
async def modules(context: TaskContext) -> list[str]:
    return sorted(sys.modules)


@handler("wanted")
async def wanted(context: TaskContext, payload: Wanted) -> list[str]:
    assert context.payload is payload
    return [payload.name] * payload.count


@handler("returns")
async def returns(context: TaskContext) -> Any:
    return {
        "nothing": None,
        "not a number": float("nan"),
        "an object": object(),
        "a set": {1},
        "half a character": "\ud800",
        "too much": "x" * 1_000_000,
        "a whole character": "\U0001f6d1",
    }[context.payload["what"]]


@handler("waits")
async def waits(context: TaskContext) -> None:
    """Says why it is stopped."""
    await context.output("here")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        assert context.stopping is not None
        stop = context.stopping
        await context.output(
            {"why": stop.why, "reason": stop.reason, "grace_seconds": stop.grace_seconds}
        )
        raise


@handler("swallows")
async def swallows(context: TaskContext) -> str:
    await context.output("here")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "finished all the same"
    return "never"


@handler("breaks_when_stopped")
async def breaks_when_stopped(context: TaskContext) -> None:
    await context.output("here")
    try:
        await asyncio.Event().wait()
    finally:
        raise ValueError("the cleaning up went wrong")


@handler("cleans_up")
async def cleans_up(context: TaskContext) -> None:
    await context.output("here")
    try:
        await asyncio.Event().wait()
    finally:
        await context.output("cleaning")
        answer = await context.wait_for_approval("may I?")
        await context.output({"answered": answer})


@handler("cancels_itself")
async def cancels_itself(context: TaskContext) -> None:
    raise asyncio.CancelledError


@handler("exits")
async def exits(context: TaskContext) -> None:
    sys.exit(3)


@handler("raises")
async def raises(context: TaskContext) -> None:
    raise {
        "an error": ValueError("this \ud800 went wrong"),
        "for good": PermanentFailure("never try again"),
        "several": ExceptionGroup("two", [ValueError("one"), KeyError("other")]),
        "no text": AssertionError(),
        "what stops sync ones": TaskStopped("by itself"),
        "at length": ValueError(f"{'x' * 5_000_000}, and this is the end"),
    }[context.payload["what"]]


@handler("says")
async def says(context: TaskContext) -> str:
    for number in range(context.payload["times"]):
        await context.output({"number": number})
    await context.progress(0.5, "half")
    await context.progress(None, "unknown")
    return "said"


@handler("floods")
async def floods(context: TaskContext) -> None:
    number = 0
    try:
        while True:
            await context.output({"number": number, "filling": "x" * 1000})
            number += 1
    finally:
        print("said", number, flush=True)


@handler("prints_later")
async def prints_later(context: TaskContext) -> None:
    await asyncio.sleep(context.payload["seconds"])
    print("later", flush=True)


@handler("says_wrongly")
async def says_wrongly(context: TaskContext) -> list[str]:
    refusals = []
    for wrong in (float("nan"), object(), "\ud800", "x" * 1_000_000):
        try:
            await context.output({"content": wrong})
        except ValueError as error:
            refusals.append(str(error)[:60])
    try:
        await context.progress(1.5)
    except ValueError as error:
        refusals.append(str(error))
    return refusals


@handler("says_no_text")
async def says_no_text(context: TaskContext) -> list[str]:
    refusals = []
    for said in (
        context.progress(0.5, 5),  # type: ignore[arg-type]
        context.output(5),  # type: ignore[arg-type]
        context.output(["a", "list"]),  # type: ignore[arg-type]
        context.wait_for_approval(5),  # type: ignore[arg-type]
    ):
        try:
            await said
        except TypeError as error:
            refusals.append(str(error))
    return refusals


@handler("sync_says_no_text")
def sync_says_no_text(context: SyncTaskContext) -> list[str]:
    wrong: Any = 5
    refusals = []
    for say in (
        lambda: context.progress(0.5, wrong),
        lambda: context.output(wrong),
        lambda: context.output(["a", "list"]),  # type: ignore[arg-type]
        lambda: context.wait_for_approval(wrong),
    ):
        try:
            say()
        except TypeError as error:
            refusals.append(str(error))
    return refusals


@handler("says_too_late")
async def says_too_late(context: TaskContext) -> None:
    async def later() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            await context.output("too late")
        except RuntimeError as error:
            print(error)

    context.labels["later"] = asyncio.create_task(later())  # type: ignore[index]


@handler("asks")
async def asks(context: TaskContext) -> list[Any]:
    first = await context.wait_for_approval("first?")
    second = await context.wait_for_approval("second?")
    return [first, second]


@handler("submits")
async def submits(context: TaskContext) -> str:
    one, other = await asyncio.gather(
        context.submit("sleep", {"seconds": 1}, name="one", depends_on=["x"]),
        context.submit("sleep", {"seconds": 2}),
    )
    try:
        await context.submit("nonsense", {})
    except SubmitRefused as refusal:
        return f"{one}, {other}, {refusal}"
    return "never"


@handler("prints")
async def prints(context: TaskContext) -> None:
    print('{"op":"completed","run":"1"}')
    print("on standard error", file=sys.stderr)
    os.write(1, b"straight\n")
    os.system("echo from a child; echo smuggled >&3")  # noqa: ASYNC221 - as authors do


@handler("blocks")
async def blocks(context: TaskContext) -> None:
    await context.output("here")
    threading.Event().wait()


@handler("sync_facts")
def sync_facts(context: SyncTaskContext, payload: Wanted) -> dict[str, Any]:
    context.progress(0.25, "quarter")
    context.output("hello")
    return {"name": payload.name, "main": threading.current_thread() is threading.main_thread()}


@handler("sync_raises")
def sync_raises(context: SyncTaskContext) -> None:
    what = (context.payload or {}).get("what")
    raise ValueError(f"{'x' * 5_000_000}, and this is the end") if what else KeyError("sync")


@handler("sync_exits")
def sync_exits(context: SyncTaskContext) -> None:
    sys.exit(3)


@handler("sync_talks")
def sync_talks(context: SyncTaskContext) -> list[Any]:
    answer = context.wait_for_approval("sure?")
    child = context.submit("sleep", {"seconds": 1}, name="child")
    return [answer, child]


@handler("sync_stops_in")
def sync_stops_in(context: SyncTaskContext) -> None:
    """Is told to stop wherever its payload says."""
    lock = threading.Lock()
    lock.acquire()
    try:
        match context.payload["where"]:
            case "a sleep":
                context.output("here")
                time.sleep(600)
            case "a loop":
                context.output("here")
                while True:
                    pass
            case "a lock":
                context.output("here")
                lock.acquire()
            case "a question":
                context.wait_for_approval("here")
            case "a flood":
                while True:
                    context.output("x" * 1000)
            case other:
                raise ValueError(other)
    except TaskStopped:
        assert context.stopping is not None
        context.output({"why": context.stopping.why, "reason": context.stopping.reason})
        raise


@handler("sync_swallows")
def sync_swallows(context: SyncTaskContext) -> str:
    try:
        context.output("here")
        time.sleep(600)
    except TaskStopped:
        return "finished all the same"
    return "never"


@handler("sync_breaks_when_stopped")
def sync_breaks_when_stopped(context: SyncTaskContext) -> None:
    try:
        context.output("here")
        time.sleep(600)
    finally:
        raise ValueError("the cleaning up went wrong")


@handler("sync_returns_soon")
def sync_returns_soon(context: SyncTaskContext) -> int:
    context.output("here")
    for _ in range(context.payload["turns"]):
        pass
    return 42


@handler("forks")
async def forks(context: TaskContext) -> str:
    """Its child goes on in the same code, as authors' children do by mistake."""
    child = os.fork()
    if child == 0:
        return "the child's word"
    await context.output({"child": child})
    await asyncio.to_thread(os.waitpid, child, 0)
    await context.output(f"{child} has ended")
    await asyncio.sleep(600)
    return "never"


@handler("sync_forks")
def sync_forks(context: SyncTaskContext) -> str:
    child = os.fork()
    if child == 0:
        return "the child's word"
    context.output({"child": child})
    os.waitpid(child, 0)
    context.output(f"{child} has ended")
    time.sleep(600)
    return "never"
