"""What isn't a task's fault costs it no attempt, and what hinders a stop doesn't hold it up."""

import asyncio
import errno
import os
import signal
import socket
from pathlib import Path
from typing import NoReturn
from unittest.mock import Mock

import pytest

from events.words import Evidence, Mode, Status
from services.executor.engine import LocalEngine
from services.executor.guardian.client import Guardian
from services.executor.runtime import Completed, Stop, SweptAway
from services.executor.runtimes.handler_run import HandlerRun
from services.executor.runtimes.host import Host
from services.executor.runtimes.host_channel import HostChannel
from services.executor.settings import Command, ExecutorSettings
from tests.component.orders import an_order
from tests.component.stage import a_stage
from tests.rig import PATIENCE_SECONDS, Rig, a_rig

ROOT = Path(__file__).parents[2]
SETTINGS = ExecutorSettings(
    modules=("tests.authors.misbehaving",),
    module_paths=(ROOT,),
    commands={
        "sleeps": Command(argv=("sh", "-c", "echo here; exec sleep 600")),
        "says": Command(argv=("echo", "hello")),
    },
    isolated_hosts_ready=0,
)


async def test_a_killed_guardian_costs_no_run_an_attempt(tmp_path: Path) -> None:
    async with a_rig(tmp_path, SETTINGS) as rig:
        shared = await rig.submit("polite")
        alone = await rig.submit("polite", isolation="isolated")
        command = await rig.submit("sleeps")
        for task_id in (shared, alone, command):
            await rig.until_output(task_id)

        os.kill(guardian_pid(rig), signal.SIGKILL)

        for task_id in (shared, alone, command):
            await rig.until_output(task_id, runs=2)
            task = await rig.until_status(task_id, Status.RUNNING)
            assert task.attempt == 2, "swept away once more"
            assert task.failures == 0
    assert rig.survivors() == []


async def test_a_guardian_that_is_slow_to_die_is_given_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine its runs are gone, and released, before its death is known."""
    ended = Guardian._ended

    def late(guardian: Guardian) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(guardian._pidfd)
        loop.call_later(0.3, ended, guardian)

    monkeypatch.setattr(Guardian, "_ended", late)
    async with a_rig(tmp_path, SETTINGS) as rig:
        alone = await rig.submit("polite", isolation="isolated")
        command = await rig.submit("sleeps")
        for task_id in (alone, command):
            await rig.until_output(task_id)

        os.kill(guardian_pid(rig), signal.SIGKILL)

        for task_id in (alone, command):
            await rig.until_output(task_id, runs=2)
            task = await rig.until_status(task_id, Status.RUNNING)
            assert task.attempt == 2, "it was begun under a guardian that was going"
            assert task.failures == 0
    assert rig.survivors() == []


SLOW_TO_IMPORT = """
import os, time
from countermand.handlers import handler
while not os.path.exists({gate!r}):
    time.sleep(0.01)

@handler("slow", isolated=True)
async def slow(context):
    raise AssertionError("it was stopped before it could begin")
"""


@pytest.mark.parametrize("mode", Mode)
async def test_a_cancel_does_not_wait_for_the_import_that_its_run_waits_for(
    tmp_path: Path, mode: Mode
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    (tmp_path / "slow.py").write_text(SLOW_TO_IMPORT.format(gate=str(gate)))
    settings = SETTINGS.model_copy(update={"modules": ("slow",), "module_paths": (tmp_path,)})
    async with a_rig(tmp_path, settings) as rig:
        gate.unlink()
        task_id = await rig.submit("slow", grace_seconds=3600)
        await rig.until_status(task_id, Status.RUNNING)

        await rig.cancel(task_id, mode)

        task = await rig.until_status(task_id, Status.CANCELLED)
        assert task.evidence is Evidence.NEVER_STARTED
        assert not gate.exists()
    assert rig.survivors() == []


async def test_the_end_of_an_executor_waits_for_no_task_s_own_grace(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"shutdown_run_grace_seconds": 0.1})
    async with asyncio.timeout(PATIENCE_SECONDS), a_rig(tmp_path, settings) as rig:
        running = await rig.submit("busy_and_deaf", grace_seconds=3600)
        cancelled = await rig.submit("busy_and_deaf", grace_seconds=3600)
        for task_id in (running, cancelled):
            await rig.until_output(task_id)
        await rig.cancel(cancelled)
        await rig.until(lambda: "CancelObserved" in rig.told_of(cancelled))

    assert rig.told_of(running)[-1] == "RunReleased"
    task = rig.task(cancelled)
    assert task is not None
    assert (task.status, task.evidence) == (Status.CANCELLED, Evidence.KILLED)
    assert rig.told_of(cancelled).count("CancelObserved") == 1
    assert rig.survivors() == []


async def test_that_a_run_was_asked_is_said_even_if_its_result_cannot_be() -> None:
    async with a_stage() as stage:
        await stage.with_executor()
        task_id = await stage.submit("work")
        run = await stage.run_of(task_id)
        ask = run.ask

        def ask_and_end(stop: Stop) -> None:
            ask(stop)
            run.ends(Completed("x" * 1_100_000))

        run.ask = ask_and_end  # type: ignore[method-assign]
        await stage.cancel(task_id)

        await stage.until_status(task_id, Status.CANCELLED)
        assert "CancelObserved" in stage.told_of(task_id)


async def test_an_unknown_handler_s_error_says_which_module_is_broken(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import not_there\n")
    settings = SETTINGS.model_copy(
        update={
            "modules": ("tests.authors.misbehaving", "broken"),
            "module_paths": (ROOT, tmp_path),
        }
    )
    async with a_rig(tmp_path, settings) as rig:
        task = await rig.until_status(await rig.submit("half", max_attempts=3), Status.FAILED)
        assert task.error_type == "unknown_handler"
        assert task.error is not None
        assert "broken could not be imported" in task.error
        assert "No module named 'not_there'" in task.error


@pytest.mark.parametrize("what", ["closes it", "writes to it"])
async def test_a_handler_that_spoils_its_host_s_channel_fails_with_the_reason(
    tmp_path: Path, what: str
) -> None:
    async with a_rig(tmp_path, SETTINGS) as rig:
        task_id = await rig.submit("spoils_the_channel", {"how": what})
        task = await rig.until_status(task_id, Status.FAILED)
        assert task.error_type == "channel_spoiled"
    assert rig.survivors() == []


async def test_an_interrupt_from_a_terminal_hits_no_run(tmp_path: Path) -> None:
    async with a_rig(tmp_path, SETTINGS) as rig:
        for isolation in ("shared", "isolated"):
            task_id = await rig.submit("interrupted", isolation=isolation)
            await rig.until_output(task_id)
            task = await rig.until_status(task_id, Status.SUCCEEDED)
            assert task.attempt == 1


def guardian_pid(rig: Rig) -> int:
    engine = rig.executor._guarded.engine
    assert isinstance(engine, LocalEngine)
    return engine._guardian.pid


async def test_a_run_given_to_a_host_that_has_just_died_is_swept_away(tmp_path: Path) -> None:
    guardian = await Guardian.start(tmp_path / "lock", asyncio.get_running_loop().time() + 600)
    host = await Host.start(guardian, SETTINGS, shared=True, ended=lambda host, suspects: None)
    host.kill()
    await host.gone()
    run = HandlerRun(an_order("polite", Mock()), host)

    host.run(run)

    assert isinstance(run.ended.result(), SweptAway)
    await guardian.close(PATIENCE_SECONDS)


async def test_a_host_that_nobody_waits_for_is_killed_while_its_channel_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = asyncio.Event()

    async def for_ever(channel: HostChannel) -> None:
        opening.set()
        with channel._socket:  # as opening it does when it is given up
            await asyncio.Event().wait()

    monkeypatch.setattr(HostChannel, "open", for_ever)
    guardian = await Guardian.start(tmp_path / "lock", asyncio.get_running_loop().time() + 600)
    start = Host.start(guardian, SETTINGS, shared=True, ended=lambda host, suspects: None)
    starting = asyncio.create_task(start)
    await opening.wait()
    [tree] = guardian._trees

    starting.cancel()

    assert (await asyncio.wait_for(tree.gone, PATIENCE_SECONDS)).killed == 1
    assert starting.cancelled()
    await guardian.close(PATIENCE_SECONDS)


@pytest.mark.parametrize("kind", ["says", "polite"])
async def test_a_machine_without_room_fails_the_attempt_and_not_the_executor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def none_left(*arguments: object) -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    async with a_rig(tmp_path, SETTINGS) as rig:
        with monkeypatch.context() as exhausted:
            exhausted.setattr(os, "pipe", none_left)
            exhausted.setattr(socket, "socketpair", none_left)
            task_id = await rig.submit(kind, isolation="isolated")
            task = await rig.until_status(task_id, Status.FAILED)
        assert task.error is not None
        assert "Too many open files" in task.error
        again = await rig.submit("says")
        await rig.until_status(again, Status.SUCCEEDED)
