"""Handlers for trying things out."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from .context import TaskContext
from .declaring import handler


@dataclass(frozen=True)
class Sleep:
    """How long."""

    seconds: float


@dataclass(frozen=True)
class Count:
    """How fast, and how far."""

    every_ms: float
    times: int | None = None
    """None: until stopped."""


@dataclass(frozen=True)
class Fail:
    """With which words."""

    message: str = "this handler always fails"


@dataclass(frozen=True)
class Rehearsal:
    """For how long; what to ask first; what is rehearsed."""

    seconds: float = 30
    ask: str | None = None
    request: dict[str, Any] | None = None


class Failed(Exception):
    """What was asked for."""


@handler("sleep")
async def sleep(context: TaskContext, payload: Sleep) -> dict[str, Any]:
    """Sleeps, and stops when asked to."""
    await asyncio.sleep(payload.seconds)
    return {"slept_seconds": payload.seconds}


@handler("stubborn", isolated=True)
async def stubborn(context: TaskContext, payload: Sleep) -> dict[str, Any]:
    """Sleeps, and ignores polite requests to stop: only force helps."""
    end = time.monotonic() + payload.seconds
    ignored = 0
    await context.progress(0.0, "ignores polite requests to stop")
    while (left_seconds := end - time.monotonic()) > 0:
        try:
            await asyncio.sleep(left_seconds)
        except asyncio.CancelledError:
            ignored += 1
    return {"slept_seconds": payload.seconds, "requests_ignored": ignored}


@handler("count")
async def count(context: TaskContext, payload: Count) -> dict[str, Any]:
    """Counts aloud, so many times, or until stopped."""
    counted = 0
    while payload.times is None or counted < payload.times:
        await asyncio.sleep(payload.every_ms / 1000)
        counted += 1
        await context.output({"count": counted})
        if payload.times is not None:
            await context.progress(counted / payload.times, f"{counted} of {payload.times}")
    return {"counted": counted}


@handler("fail")
async def fail(context: TaskContext, payload: Fail) -> None:
    """Fails."""
    raise Failed(payload.message)


@handler("rehearse")
async def rehearse(context: TaskContext, payload: Rehearsal) -> str:
    """Stands in for an agent, a power change, a firmware update: some steps aloud, and an end."""
    if payload.ask is not None:
        await context.wait_for_approval(payload.ask)
    steps = max(1, round(payload.seconds))
    for step in range(1, steps + 1):
        await context.output(f"step {step} of {steps}")
        await context.progress((step - 1) / steps, f"step {step} of {steps}")
        await asyncio.sleep(payload.seconds / steps)
    return f"rehearsed in {steps} steps"
