"""Runs that don't want to stop, stopped: the evidence is right, and nobody survives."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from events.words import Evidence, Mode, Status
from services.executor.settings import Command, ExecutorSettings
from tests.marked_processes import processes_of
from tests.rig import Rig, a_rig

PYTHON = sys.executable

COMMANDS = {
    "sleeps": Command(argv=("sleep", "600")),
    "ignores_sigterm": Command(
        argv=(
            PYTHON,
            "-c",
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "print('here', flush=True); time.sleep(600)",
        ),
        environment={},
    ),
    "daemonizes": Command(
        argv=(
            PYTHON,
            "-c",
            "import os, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid()\n"
            "    if os.fork(): os._exit(0)\n"
            "    time.sleep(600)\n"
            "print('here', flush=True); time.sleep(600)",
        )
    ),
    "leaves_a_deaf_daemon": Command(
        argv=(
            PYTHON,
            "-c",
            "import os, signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "if os.fork() == 0:\n"
            "    os.setsid()\n"
            "    if os.fork(): os._exit(0)\n"
            "    time.sleep(600)\n"
            "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
            "print('here', flush=True); time.sleep(600)",
        )
    ),
    "stops_itself": Command(
        argv=(
            PYTHON,
            "-c",
            "import os, signal; print('here', flush=True); os.kill(os.getpid(), signal.SIGSTOP)",
        )
    ),
    "fails": Command(argv=(PYTHON, "-c", "import sys; sys.exit(3)")),
    "ends_by_a_signal_without_a_name": Command(
        argv=(PYTHON, "-c", "import os; os.kill(os.getpid(), 37)")
    ),
    "says": Command(argv=(PYTHON, "-c", "print('hello')")),
    "missing": Command(argv=("/nowhere/at-all",)),
}

SETTINGS = ExecutorSettings(
    modules=("countermand.handlers.samples", "tests.authors.misbehaving"),
    module_paths=(Path(__file__).parents[2],),
    commands=COMMANDS,
    ping_every_seconds=0.2,
    ping_answer_seconds=1.0,
    confirm_seconds=0.5,
)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with a_rig(tmp_path, SETTINGS) as rig:
        yield rig
        # Here, and not below: an executor that ends kills whatever is left.
        assert rig.left_alive == {}
    assert rig.survivors() == []


@pytest.mark.parametrize(
    ("kind", "mode", "evidence"),
    [
        ("polite", Mode.GRACEFUL, Evidence.ACKNOWLEDGED),
        ("polite", Mode.FORCE, Evidence.KILLED),
        ("swallows", Mode.GRACEFUL, Evidence.KILLED),
        ("swallows", Mode.FORCE, Evidence.KILLED),
        ("blocks_its_loop", Mode.GRACEFUL, Evidence.KILLED),
        ("busy", Mode.GRACEFUL, Evidence.ACKNOWLEDGED),
        ("busy_and_deaf", Mode.GRACEFUL, Evidence.KILLED),
        ("holds_the_gil", Mode.GRACEFUL, Evidence.KILLED),
        ("leaves_a_daemon", Mode.GRACEFUL, Evidence.ACKNOWLEDGED),
        ("ignores_sigterm", Mode.GRACEFUL, Evidence.KILLED),
        ("ignores_sigterm", Mode.FORCE, Evidence.KILLED),
        ("daemonizes", Mode.GRACEFUL, Evidence.EXITED),
        ("leaves_a_deaf_daemon", Mode.GRACEFUL, Evidence.KILLED),
        ("leaves_a_deaf_daemon", Mode.FORCE, Evidence.KILLED),
        ("stops_itself", Mode.GRACEFUL, Evidence.EXITED),
    ],
)
async def test_a_run_is_stopped_and_says_how(
    rig: Rig, kind: str, mode: Mode, evidence: Evidence
) -> None:
    task_id = await rig.submit(kind, grace_seconds=0.5)
    await rig.until_output(task_id)
    # It can be found as long as it is alive. What a polite run leaves is a host for others.
    assert processes_of(task_id) or kind == "polite"
    await rig.cancel(task_id, mode)
    task = await rig.until_status(task_id, Status.CANCELLED)
    assert task.evidence is evidence


async def test_a_graceful_cancel_never_harms_the_neighbours(rig: Rig) -> None:
    deaf = await rig.submit("swallows", grace_seconds=0.1)
    neighbour = await rig.submit("polite")
    await rig.until_output(deaf)
    await rig.until_output(neighbour)
    await rig.cancel(deaf)
    await rig.until(lambda: "CancelUnconfirmed" in rig.told_of(deaf))
    newcomer = await rig.submit("polite")
    await rig.until_output(newcomer)
    # Only once the neighbour is through is the shared host killed.
    task = rig.task(deaf)
    assert task is not None
    assert task.status is Status.CANCELLING
    await rig.cancel(neighbour)
    done = await rig.until_status(neighbour, Status.CANCELLED)
    assert done.evidence is Evidence.ACKNOWLEDGED
    task = await rig.until_status(deaf, Status.CANCELLED)
    assert task.evidence is Evidence.KILLED
    running = rig.task(newcomer)
    assert running is not None
    assert (running.status, running.attempt) == (Status.RUNNING, 1)


async def test_force_kills_the_shared_host_and_neighbours_start_again_uncounted(rig: Rig) -> None:
    deaf = await rig.submit("swallows")
    neighbour = await rig.submit("polite")
    await rig.until_output(deaf)
    await rig.until_output(neighbour)
    await rig.cancel(deaf, Mode.FORCE)
    task = await rig.until_status(deaf, Status.CANCELLED)
    assert task.evidence is Evidence.KILLED
    await rig.until(lambda: (t := rig.task(neighbour)) is not None and t.attempt == 2)
    again = await rig.until_status(neighbour, Status.RUNNING)
    assert again.failures == 0


async def test_force_upgrades_a_graceful_cancel_that_is_under_way(rig: Rig) -> None:
    task_id = await rig.submit("busy_and_deaf", grace_seconds=300)
    await rig.until_output(task_id)
    await rig.cancel(task_id)
    await rig.until(lambda: "CancelObserved" in rig.told_of(task_id))
    await rig.cancel(task_id, Mode.FORCE)
    task = await rig.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.KILLED


async def test_grace_zero_means_force_at_once(rig: Rig) -> None:
    task_id = await rig.submit("busy_and_deaf")
    await rig.until_output(task_id)
    await rig.cancel(task_id, grace_seconds=0)
    task = await rig.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.KILLED


async def test_a_host_that_somebody_blocks_is_killed_and_the_blocker_runs_alone(rig: Rig) -> None:
    neighbour = await rig.submit("polite")
    await rig.until_output(neighbour)
    blocker = await rig.submit("blocks_its_loop")
    await rig.until(lambda: (t := rig.task(neighbour)) is not None and t.attempt == 2)
    await rig.until_status(neighbour, Status.RUNNING)
    task = rig.task(blocker)
    assert task is not None
    assert task.failures == 0
    await rig.cancel(blocker, Mode.FORCE)
    await rig.until_status(blocker, Status.CANCELLED)
    still = rig.task(neighbour)
    assert still is not None
    assert (still.status, still.attempt) == (Status.RUNNING, 2)


async def test_a_handler_that_kills_its_shared_host_runs_alone_the_next_time(rig: Rig) -> None:
    task_id = await rig.submit("kills_its_host")
    task = await rig.until_status(task_id, Status.SUCCEEDED, Status.FAILED)
    assert (task.status, task.result, task.failures) == (Status.SUCCEEDED, "alone this time", 0)


async def test_cancelling_a_parent_cancels_its_children(rig: Rig) -> None:
    parent = await rig.submit("has_children")
    child = f"{parent}.one"
    await rig.until_output(child)
    await rig.cancel(parent)
    for task_id in (parent, child):
        task = await rig.until_status(task_id, Status.CANCELLED)
        assert task.evidence is Evidence.ACKNOWLEDGED
        assert task.cancel is not None
        assert task.cancel.subject == parent


async def test_a_task_cancelled_while_pending_never_starts_and_its_history_is_closed(
    rig: Rig,
) -> None:
    rig.executor.drain()
    task_id = await rig.submit("polite")
    await rig.cancel(task_id)
    task = await rig.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.NEVER_STARTED
    await rig.until(lambda: "TaskCancelled" in rig.told_of(task_id))
    assert rig.told_of(task_id) == ["TaskSubmitted", "CancelRequested", "TaskCancelled"]


@pytest.mark.parametrize(
    ("kind", "payload", "error_type", "says"),
    [
        ("no_such_handler", {}, "unknown_handler", "no_such_handler"),
        ("returns_nonsense", {}, None, "result"),
        ("returns_too_much", {}, None, "result"),
        ("dies", {}, "process_died", "exit code 7"),
        ("fails", {}, "command_failed", "exit code 3"),
        ("ends_by_a_signal_without_a_name", {}, "command_failed", "by signal 37"),
        ("dies_by_a_signal_without_a_name", {}, "process_died", "by signal 37"),
        ("returns_a_tower", {}, "channel_spoiled", "descriptor 3"),
        ("says", {"arguments": ["x"]}, "not_allowed", "no arguments"),
        ("says", {"environment": {"LD_PRELOAD": "x"}}, "not_allowed", "LD_PRELOAD"),
        ("says", {"shell": "rm"}, "payload_refused", "shell"),
        ("missing", {}, None, "/nowhere/at-all"),
    ],
)
async def test_bad_input_gets_a_clear_error_and_the_executor_goes_on(
    rig: Rig, kind: str, payload: dict[str, object], error_type: str | None, says: str
) -> None:
    task_id = await rig.submit(kind, payload)
    task = await rig.until_status(task_id, Status.FAILED, Status.SUCCEEDED)
    assert task.status is Status.FAILED
    assert task.error is not None
    assert says in task.error
    assert error_type in (None, task.error_type)
    again = await rig.submit("says")
    assert (await rig.until_status(again, Status.SUCCEEDED)).result == {"exit_code": 0}


async def test_an_approval_lets_a_waiting_run_go_on(rig: Rig) -> None:
    task_id = await rig.submit("asks")
    await rig.until_status(task_id, Status.WAITING)
    await rig.approve(task_id, "yes")
    assert (await rig.until_status(task_id, Status.SUCCEEDED)).result == "yes"


async def test_a_waiting_run_can_be_cancelled(rig: Rig) -> None:
    task_id = await rig.submit("asks")
    await rig.until_status(task_id, Status.WAITING)
    await rig.cancel(task_id)
    task = await rig.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.ACKNOWLEDGED


async def test_failures_are_tried_again_with_backoff_until_one_succeeds(rig: Rig) -> None:
    task_id = await rig.submit("flaky", max_attempts=3, backoff_seconds=0.01)
    task = await rig.until_status(task_id, Status.SUCCEEDED, Status.FAILED)
    assert (task.status, task.attempt, task.result) == (Status.SUCCEEDED, 3, "third time")
