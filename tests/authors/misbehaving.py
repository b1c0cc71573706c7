"""Handlers that make it hard to stop them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from countermand.handlers import SyncTaskContext, TaskContext, TaskStopped, handler
from tests.marked_processes import mark_this_process, marked_environment

DEAF_DAEMON = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
time.sleep(600)
"""


@handler("polite")
async def polite(context: TaskContext) -> None:
    await context.output("here")
    await asyncio.Event().wait()


@handler("swallows")
async def swallows(context: TaskContext) -> None:
    mark_this_process(context.task_id)
    await context.output("here")
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


@handler("blocks_its_loop")
async def blocks_its_loop(context: TaskContext) -> None:
    mark_this_process(context.task_id)
    with suppress(asyncio.CancelledError):
        await context.output("here")
        await asyncio.sleep(0)
    time.sleep(600)  # noqa: ASYNC251 - the misbehaviour itself


@handler("busy")
def busy(context: SyncTaskContext) -> None:
    mark_this_process(context.task_id)
    context.output("here")
    while True:
        pass


@handler("busy_and_deaf")
def busy_and_deaf(context: SyncTaskContext) -> None:
    mark_this_process(context.task_id)
    with suppress(TaskStopped):
        context.output("here")
    while True:
        with suppress(TaskStopped):
            while True:
                pass


@handler("holds_the_gil")
def holds_the_gil(context: SyncTaskContext) -> None:
    mark_this_process(context.task_id)
    with suppress(TaskStopped):
        context.output("here")
        sum(range(10**15))
    sum(range(10**15))


@handler("leaves_a_daemon", isolated=True)
async def leaves_a_daemon(context: TaskContext) -> None:
    mark_this_process(context.task_id)
    environment = marked_environment(context.task_id)
    daemon = [sys.executable, "-c", DEAF_DAEMON]
    subprocess.run(daemon, check=True, env=environment)  # noqa: ASYNC221
    await context.output("here")
    await asyncio.Event().wait()


@handler("dies", isolated=True)
async def dies(context: TaskContext) -> None:
    os._exit(7)


@handler("dies_by_a_signal_without_a_name", isolated=True)
async def dies_by_a_signal_without_a_name(context: TaskContext) -> None:
    os.kill(os.getpid(), 37)


@handler("returns_a_tower", isolated=True)
async def returns_a_tower(context: TaskContext) -> None:
    """More than any reader of JSON climbs, and more than our own words let an author say."""
    os.write(3, b'{"op":"completed","run":"%s","result":' % context.run_id.encode())
    os.write(3, b"[" * 20_000 + b"]" * 20_000 + b"}\n")
    await asyncio.Event().wait()


@handler("kills_its_host")
async def kills_its_host(context: TaskContext) -> str:
    if context.attempt == 1:
        os._exit(7)
    return "alone this time"


@handler("returns_nonsense")
async def returns_nonsense(context: TaskContext) -> object:
    return object()


@handler("returns_too_much")
async def returns_too_much(context: TaskContext) -> str:
    return "x" * 2_000_000


@handler("asks")
async def asks(context: TaskContext) -> object:
    return await context.wait_for_approval("may I?")


@handler("has_children")
async def has_children(context: TaskContext) -> str:
    child = await context.submit("polite", {}, name="one")
    await context.output("here")
    await asyncio.Event().wait()
    return child


@handler("flaky")
async def flaky(context: TaskContext) -> str:
    if context.attempt < 3:
        raise RuntimeError(f"attempt {context.attempt}")
    return "third time"


@handler("spoils_the_channel", isolated=True)
async def spoils_the_channel(context: TaskContext) -> None:
    if context.payload["how"] == "closes it":
        os.close(3)
    else:
        os.write(3, b"[]\n")
    await asyncio.Event().wait()


@handler("interrupted")
async def interrupted(context: TaskContext) -> None:
    """As if somebody at the terminal had pressed a key."""
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0)
    await context.output("here")
