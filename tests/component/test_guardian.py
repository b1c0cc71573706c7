"""Process trees end when told to, and when nobody is left to tell them; nobody survives."""

import asyncio
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from signal import SIGINT, SIGQUIT

import pytest

from services.executor.guardian.client import (
    CannotGuard,
    CannotStart,
    Gone,
    Guardian,
    Tree,
    wait_until_gone,
)
from services.executor.guardian.process_table import Process, children, descendants, look, send
from tests.component.process_trees import PATIENCE_SECONDS, Scene, parent, python

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 600.0

WAITS = "report(); wait()"
IGNORES_SIGTERM = "signal.signal(signal.SIGTERM, signal.SIG_IGN); report(); wait()"
CALLS_SETSID = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
report(); wait()
"""
FORKS_TWICE = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.chdir("/")
report(parent=os.getppid()); wait()
"""
ITS_CHILD_DIES = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if (child := os.fork()) == 0:
    if os.fork() != 0:
        os._exit(0)
    report(); wait()
os.waitpid(child, 0)
report(); wait()
"""
STOPS_ITSELF = "report(); os.kill(os.getpid(), signal.SIGSTOP); wait()"
FORKS_AWAY = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def run_away():
    # Each lives only until it has forked the next: a pid is stale as soon as it was read.
    while True:
        if os.fork() != 0:
            os._exit(0)
        os.setsid()
def breed():
    while True:
        if os.fork() == 0:
            time.sleep(0.003)
            os._exit(0)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
for flee in (run_away, run_away, run_away, breed, breed):
    if os.fork() == 0:
        report()
        flee()
report(); wait()
"""
TREES = {
    "ignores SIGTERM": (IGNORES_SIGTERM, 1),
    "calls setsid": (CALLS_SETSID, 2),
    "forks twice": (FORKS_TWICE, 2),
    "its child dies before its grandchild": (ITS_CHILD_DIES, 2),
    "stops itself": (STOPS_ITSELF, 1),
}
ALL_PROCESSES = sum(processes for _, processes in TREES.values())
STORM = {"forks away": (FORKS_AWAY, 6)}
"""It takes the whole machine, so nothing is timed beside it."""
any_tree = pytest.mark.parametrize(
    ("program", "processes"), [*TREES.values(), *STORM.values()], ids=[*TREES, *STORM]
)
any_tree_that_can_be_searched_for = pytest.mark.parametrize(
    ("program", "processes"), TREES.values(), ids=TREES
)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path / "lock")
    yield scene
    await scene.close()


@pytest.fixture
async def guardian(scene: Scene) -> AsyncIterator[Guardian]:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    yield guardian
    await guardian.close(PATIENCE_SECONDS)


async def proof(tree: Tree) -> Gone:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await tree.gone


async def exit_code(tree: Tree) -> int:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return os.waitstatus_to_exitcode(await tree.exited)


async def freed(lock: Path, within_seconds: float = PATIENCE_SECONDS) -> bool:
    return await wait_until_gone(lock, within_seconds)


# ── starting ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_command_gets_what_it_is_given_and_nothing_else(
    guardian: Guardian, scene: Scene, tmp_path: Path
) -> None:
    program = "report(env=dict(os.environ), cwd=os.getcwd(), fds=os.listdir('/proc/self/fd'))"
    tree = await guardian.spawn(
        python(program), env=scene.env, cwd=str(tmp_path), fds={3: scene.writing, 9: 0, 0: 1}
    )

    said = await scene.report()

    assert said["pid"] == tree.pid
    assert said["cwd"] == str(tmp_path)
    # With the listing's own descriptor.
    assert {int(fd) for fd in said["fds"]} == {0, 1, 2, 3, 4, 9}
    assert said["env"].pop("COUNTERMAND_TREE")
    assert said["env"] == scene.env
    assert (await proof(tree)).status == 0


@pytest.fixture
def started_in_the_background() -> Iterator[None]:
    """As by a shell, which has such programs ignore what the keyboard sends to others."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (SIGINT, SIGQUIT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def test_a_command_leads_a_session_and_neither_ignores_nor_blocks_a_signal(
    started_in_the_background: None, guardian: Guardian, scene: Scene
) -> None:
    tree = await scene.spawn(guardian, ["sleep", "600"])

    assert signals_of(tree.pid) == {"SigBlk": 0, "SigIgn": 0}
    assert os.getsid(tree.pid) == tree.pid
    tree.kill()
    await proof(tree)


OF_THE_C_LIBRARY = 0b11 << 31
"""Signals 32 and 33: some programs' children inherit them ignored, and nobody may touch them."""


def signals_of(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {
        name: int(value, 16) & ~OF_THE_C_LIBRARY
        for name, _, value in (line.partition(":\t") for line in lines)
        if name in ("SigBlk", "SigIgn")
    }


async def test_descriptors_may_swap_their_numbers(guardian: Guardian, scene: Scene) -> None:
    readings, writings = zip(*(os.pipe() for _ in range(3)), strict=True)
    program = "for fd in 3, 4, 5: os.write(fd, b'%d' % fd)"
    numbers = dict(zip((5, 3, 4), writings, strict=True))
    tree = await guardian.spawn(python(program), env=scene.env, cwd=None, fds=numbers)
    for fd in writings:
        os.close(fd)

    assert await proof(tree) == Gone(0, 0, "keeper")

    # Nobody else holds them: each ends after what was written.
    assert [(os.read(fd, 9), os.read(fd, 9)) for fd in readings] == [
        (b"5", b""),
        (b"3", b""),
        (b"4", b""),
    ]
    for fd in readings:
        os.close(fd)


async def test_a_long_command_line_and_environment_pass(guardian: Guardian, scene: Scene) -> None:
    env = {**scene.env, **{f"V{number}": "v" * 10_000 for number in range(50)}}
    argv = [*python("report(arguments=len(sys.argv), variables=len(os.environ))"), *["a"] * 20_000]

    tree = await guardian.spawn(argv, env=env, cwd=None, fds={3: scene.writing})

    assert (await scene.report())["arguments"] == 20_001
    await proof(tree)


@pytest.mark.parametrize(
    ("argv", "cwd", "says"),
    [
        (["/nowhere/at-all"], None, "starting '/nowhere/at-all': No such file or directory"),
        (["not-in-the-path"], None, "starting 'not-in-the-path': No such file or directory"),
        (["/etc/passwd"], None, "starting '/etc/passwd': Permission denied"),
        (["true"], "/nowhere", "entering the working directory '/nowhere': No such file"),
        (["tr\0ue"], None, "no null bytes"),
        ([], None, "a command has a name"),
    ],
)
async def test_what_cannot_start_says_why(
    guardian: Guardian, scene: Scene, argv: list[str], cwd: str | None, says: str
) -> None:
    with pytest.raises(CannotStart, match=says):
        await guardian.spawn(argv, env=scene.env, cwd=cwd, fds={})


async def test_a_guardian_without_room_refuses_and_goes_on(
    guardian: Guardian, scene: Scene
) -> None:
    first = await scene.spawn(guardian, ["sleep", "600"])
    in_use = len(os.listdir(f"/proc/{guardian.pid}/fd"))
    resource.prlimit(guardian.pid, resource.RLIMIT_NOFILE, (in_use + 8, in_use + 8))

    started = await asyncio.gather(
        *(scene.spawn(guardian, ["sleep", "600"]) for _ in range(20)), return_exceptions=True
    )

    refused = [each for each in started if isinstance(each, CannotStart)]
    trees = [each for each in started if isinstance(each, Tree)]
    assert refused
    assert len(refused) + len(trees) == 20
    assert not first.gone.done()
    for tree in (first, *trees):
        tree.kill()
        assert (await proof(tree)).by == "keeper"
    again = await scene.spawn(guardian, ["true"])
    assert (await proof(again)).status == 0


async def test_a_tree_is_named_by_its_start_time_too(guardian: Guardian, scene: Scene) -> None:
    before = time.time()
    tree = await scene.spawn(guardian, WAITS)
    # Boot time is known in whole seconds.
    assert before - 2 < tree.started_at < time.time() + 1
    tree.kill()
    await proof(tree)


async def test_a_start_that_nobody_waits_for_any_more_leaves_nothing(
    guardian: Guardian, scene: Scene
) -> None:
    starts = [asyncio.create_task(scene.spawn(guardian, WAITS)) for _ in range(10)]
    for turns, start in enumerate(starts):
        for _ in range(turns):
            await asyncio.sleep(0)
        start.cancel()
    await asyncio.gather(*starts, return_exceptions=True)

    await guardian.close(PATIENCE_SECONDS)

    assert scene.survivors() == []


async def test_many_trees_at_once_come_and_go_without_a_trace(
    guardian: Guardian, scene: Scene
) -> None:
    await proof(await scene.spawn(guardian, ["true"]))
    open_before = len(os.listdir("/proc/self/fd"))
    guardians_before = len(os.listdir(f"/proc/{guardian.pid}/fd"))
    async with asyncio.TaskGroup() as group:
        starts = [group.create_task(scene.spawn(guardian, ["sleep", "600"])) for _ in range(60)]
    trees = [start.result() for start in starts]
    assert len(scene.survivors()) == 60

    for number, tree in enumerate(trees):
        (tree.kill, tree.terminate)[number % 2]()
    for tree in trees:
        assert (await proof(tree)).by == "keeper"

    assert scene.survivors() == []
    # Once more, so that the guardian has heard of all the others' ends.
    await proof(await scene.spawn(guardian, ["true"]))
    assert len(os.listdir("/proc/self/fd")) == open_before
    # It may not have seen the last keeper's end yet, before or now.
    assert abs(len(os.listdir(f"/proc/{guardian.pid}/fd")) - guardians_before) <= 1


# ── ending ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_command_that_ends_by_itself_says_how(guardian: Guardian, scene: Scene) -> None:
    tree = await scene.spawn(guardian, "sys.exit(7)")
    assert await exit_code(tree) == 7
    assert await proof(tree) == Gone(7 << 8, 0, "keeper")

    tree = await scene.spawn(guardian, "os.kill(os.getpid(), signal.SIGABRT)")
    assert await exit_code(tree) == -signal.SIGABRT


async def test_asked_politely_every_process_of_the_tree_hears_it(
    guardian: Guardian, scene: Scene
) -> None:
    tree = await scene.spawn(
        guardian,
        """
def end(*_):
    report("asked")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
report(); wait()
""",
    )
    up = await scene.reports(4)

    tree.terminate()

    asked = await scene.reports(4)
    assert {each["what"] for each in asked} == {"asked"}
    assert {each["pid"] for each in asked} == {each["pid"] for each in up}
    assert await proof(tree) == Gone(0, 0, "keeper")


async def test_a_stopped_process_hears_that_it_is_asked(guardian: Guardian, scene: Scene) -> None:
    tree = await scene.spawn(guardian, STOPS_ITSELF)
    await scene.report()

    tree.terminate()

    assert await exit_code(tree) == -signal.SIGTERM
    assert (await proof(tree)).killed == 0


@any_tree
async def test_killed_nobody_survives(
    guardian: Guardian, scene: Scene, program: str, processes: int
) -> None:
    tree = await scene.spawn(guardian, program)
    await scene.reports(processes)

    tree.terminate()
    tree.kill()

    gone = await proof(tree)
    assert scene.survivors() == []
    assert gone.by == "keeper"
    if program is not STOPS_ITSELF:
        assert gone.killed >= processes
        assert await exit_code(tree) == -signal.SIGKILL


async def test_what_is_said_too_late_does_not_drown_the_proof(
    guardian: Guardian, scene: Scene
) -> None:
    for _ in range(20):
        tree = await scene.spawn(guardian, ["true"])
        while not tree.gone.done():  # until its end, so that some of it is never read
            tree.terminate()
            await asyncio.sleep(0)
        assert (await proof(tree)).by == "keeper"


async def test_what_a_command_leaves_behind_is_asked_to_end_too(
    guardian: Guardian, scene: Scene
) -> None:
    tree = await scene.spawn(guardian, "if os.fork(): os._exit(4)\nreport(); wait()")

    assert await exit_code(tree) == 4
    assert await proof(tree) == Gone(4 << 8, 0, "keeper")


async def test_what_a_command_leaves_behind_is_killed_when_it_stays(
    guardian: Guardian, scene: Scene
) -> None:
    tree = await scene.spawn(
        guardian,
        """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    report(); wait()
time.sleep(0.05)
""",
    )
    [left_behind] = await scene.reports(1)

    assert await exit_code(tree) == 0
    assert left_behind["pid"] in scene.survivors()
    assert await proof(tree) == Gone(0, 1, "keeper")


async def test_an_orphan_belongs_to_its_tree_alone(guardian: Guardian, scene: Scene) -> None:
    one = await scene.spawn(guardian, FORKS_TWICE)
    ones = {each["pid"] for each in await scene.reports(2)}
    other = await scene.spawn(guardian, FORKS_TWICE)
    others = {each["pid"] for each in await scene.reports(2)}

    one.kill()
    await proof(one)

    assert ones.isdisjoint(scene.survivors())
    assert others == set(scene.survivors())
    assert {parent(pid) for pid in others} == {parent(other.pid)}
    other.kill()
    await proof(other)


# ── when somebody dies, or is stopped ─────────────────────────────────────────────────────────────


class StandIn:
    """A process that plays the executor."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, scene: Scene, lease_seconds: float) -> "StandIn":
        programs = [python(program) for program, _ in TREES.values()]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "tests" / "component" / "executor_stand_in.py"),
            str(scene.lock),
            str(lease_seconds),
            json.dumps(programs),
            env={**scene.env, "PYTHONPATH": str(ROOT), "REPORTS": str(scene.writing)},
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(scene.writing,),
        )
        return cls(process)

    async def says(self) -> dict[str, object]:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            words: dict[str, object] = json.loads(await self.process.stdout.readline())
        return words


async def test_nothing_outlives_a_killed_executor_by_a_second(scene: Scene) -> None:
    executor = await StandIn.start(scene, LEASE_SECONDS)
    await scene.reports(ALL_PROCESSES)
    await executor.says()

    executor.process.kill()
    killed_at = time.monotonic()
    await executor.process.wait()

    assert await freed(scene.lock)
    assert time.monotonic() - killed_at < 1.0
    assert scene.survivors() == []


async def test_nothing_outlives_the_lease_of_a_stopped_executor(scene: Scene) -> None:
    executor = await StandIn.start(scene, lease_seconds=5.0)
    await scene.reports(ALL_PROCESSES)
    up = await executor.says()
    executor.process.send_signal(signal.SIGSTOP)

    assert await freed(scene.lock)
    assert set(scene.survivors()) == {executor.process.pid}

    # When it goes on it hears of everything that it has missed.
    executor.process.send_signal(signal.SIGCONT)
    assert isinstance(up["trees"], list)
    for pid in up["trees"]:
        assert await executor.says() == {"gone": pid, "by": "keeper"}
    assert await executor.says() == {"closed": up["guardian"]}
    assert await executor.process.wait() == 0


async def test_a_lease_that_is_renewed_goes_on(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + 0.5)
    guardian.renew(time.monotonic() + 600)
    tree = await scene.spawn(guardian, WAITS)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.8):
            await asyncio.shield(guardian.closed)

    guardian.renew(time.monotonic() - 1)  # a lease is never made shorter
    assert not tree.gone.done()
    await guardian.close(PATIENCE_SECONDS)


async def test_when_the_lease_is_over_everything_is_killed(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + 1.0)
    tree = await scene.spawn(guardian, IGNORES_SIGTERM)
    await scene.report()

    # How it ended says nothing about it: that was the lease's doing.
    assert await proof(tree) == Gone(None, 1, "keeper")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await guardian.closed
    with pytest.raises(CannotStart, match="the guardian is gone"):
        await scene.spawn(guardian, WAITS)
    tree.terminate()
    tree.kill()
    guardian.renew(time.monotonic() + 1)
    await guardian.close(PATIENCE_SECONDS)


async def test_a_killed_guardian_leaves_nothing(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    every = [*TREES.values(), *STORM.values()]
    trees = [await scene.spawn(guardian, program) for program, _ in every]
    await scene.reports(sum(processes for _, processes in every))

    os.kill(guardian.pid, signal.SIGKILL)

    for tree in trees:
        assert (await proof(tree)).by == "keeper"
    async with asyncio.timeout(PATIENCE_SECONDS):
        await guardian.closed
    assert await freed(scene.lock)
    assert scene.survivors() == []


@any_tree
async def test_a_killed_keeper_leaves_its_tree_to_the_guardian(
    guardian: Guardian, scene: Scene, program: str, processes: int
) -> None:
    neighbour = await scene.spawn(guardian, WAITS)
    await scene.report()
    tree = await scene.spawn(guardian, program)
    await scene.reports(processes)

    os.kill(parent(tree.pid), signal.SIGKILL)

    gone = await proof(tree)
    assert gone.by == "guardian"
    assert gone.killed >= 1
    assert scene.survivors() == [neighbour.pid]
    assert os.WTERMSIG(await tree.exited) == signal.SIGKILL
    neighbour.kill()
    await proof(neighbour)


async def test_many_keepers_killed_at_once_leave_nothing(guardian: Guardian, scene: Scene) -> None:
    trees = [await scene.spawn(guardian, FORKS_TWICE) for _ in range(20)]
    await scene.reports(40)

    for tree in trees[1:]:
        os.kill(parent(tree.pid), signal.SIGKILL)

    for tree in trees[1:]:
        assert (await proof(tree)).by == "guardian"
    assert len(scene.survivors()) == 2
    assert not trees[0].gone.done()
    trees[0].kill()
    assert (await proof(trees[0])).by == "keeper"


@any_tree_that_can_be_searched_for
async def test_when_keeper_and_guardian_are_killed_the_rest_is_searched_for(
    scene: Scene, program: str, processes: int
) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    tree = await scene.spawn(guardian, program)
    await scene.reports(processes)
    both = [guardian.pid, parent(tree.pid)]

    for number in (signal.SIGSTOP, signal.SIGKILL):  # so that neither can do anything any more
        for pid in both:
            os.kill(pid, number)

    assert (await proof(tree)).by == "search"
    assert tree.exited.done()
    assert scene.survivors() == []
    async with asyncio.timeout(PATIENCE_SECONDS):
        await guardian.closed


async def test_a_keeper_that_does_not_answer_is_replaced_by_the_guardian(
    guardian: Guardian, scene: Scene
) -> None:
    tree = await scene.spawn(guardian, CALLS_SETSID)
    await scene.reports(2)
    os.kill(parent(tree.pid), signal.SIGSTOP)

    tree.kill()

    assert (await proof(tree)).by == "guardian"
    assert scene.survivors() == []


async def test_stopped_keepers_do_not_keep_a_guardian_from_finishing(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    tree = await scene.spawn(guardian, CALLS_SETSID)
    await scene.reports(2)
    os.kill(parent(tree.pid), signal.SIGSTOP)

    await guardian.close(PATIENCE_SECONDS)

    assert (await proof(tree)).by == "guardian"
    assert scene.survivors() == []


async def test_a_guardian_that_is_stopped_with_its_keepers_is_woken_to_kill(
    guardian: Guardian, scene: Scene
) -> None:
    """By a tree that wants to live on: nobody else is there to kill it."""
    tree = await scene.spawn(guardian, CALLS_SETSID)
    await scene.reports(2)
    for pid in (guardian.pid, parent(tree.pid)):
        os.kill(pid, signal.SIGSTOP)

    tree.kill()

    assert (await proof(tree)).by == "guardian"
    assert scene.survivors() == []


async def test_a_stopped_guardian_finishes_all_the_same(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    tree = await scene.spawn(guardian, CALLS_SETSID)
    await scene.reports(2)
    for pid in (guardian.pid, parent(tree.pid)):
        os.kill(pid, signal.SIGSTOP)

    await guardian.close(PATIENCE_SECONDS)

    assert (await proof(tree)).by == "guardian"
    assert scene.survivors() == []


async def test_a_guardian_hears_neither_the_terminal_nor_a_service_manager(
    guardian: Guardian, scene: Scene
) -> None:
    assert os.getsid(guardian.pid) == guardian.pid
    tree = await scene.spawn(guardian, WAITS)
    await scene.report()
    for pid in (guardian.pid, parent(tree.pid)):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)

    other = await scene.spawn(guardian, ["true"])

    assert (await proof(other)).status == 0
    assert not tree.gone.done()
    tree.kill()
    assert (await proof(tree)).by == "keeper"


# ── the lock ──────────────────────────────────────────────────────────────────────────────────────


async def test_the_lock_is_free_only_when_the_last_keeper_is_gone(scene: Scene) -> None:
    assert await freed(scene.lock)  # nobody ever held it
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    tree = await scene.spawn(guardian, WAITS)
    keeper = parent(tree.pid)
    assert not await freed(scene.lock, 0.1)

    os.kill(keeper, signal.SIGSTOP)
    os.kill(guardian.pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await guardian.closed
    assert not await freed(scene.lock, 0.1)
    assert scene.survivors() == [tree.pid]

    os.kill(keeper, signal.SIGCONT)
    assert await freed(scene.lock)
    assert scene.survivors() == []
    await proof(tree)


async def test_two_guardians_cannot_hold_one_lock(guardian: Guardian, scene: Scene) -> None:
    with pytest.raises(CannotGuard, match="an earlier guardian are still alive"):
        await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)


async def test_a_guardian_that_cannot_work_says_why(tmp_path: Path) -> None:
    with pytest.raises(CannotGuard, match="No such file or directory"):
        await Guardian.start(tmp_path / "no" / "lock", time.monotonic() + LEASE_SECONDS)
    with pytest.raises(CannotGuard, match="starting '/no/python'"):
        await Guardian.start(tmp_path / "lock", time.monotonic() + LEASE_SECONDS, "/no/python")
    with pytest.raises(CannotGuard, match="ended with code"):
        await Guardian.start(tmp_path / "lock", time.monotonic() + LEASE_SECONDS, "/bin/false")


# ── the process table ─────────────────────────────────────────────────────────────────────────────


async def test_a_pid_that_is_used_again_is_not_hit(guardian: Guardian, scene: Scene) -> None:
    tree = await scene.spawn(guardian, WAITS)
    row = look(tree.pid)
    assert row is not None
    its_predecessor = Process(tree.pid, row.process.started_ticks - 1)

    assert not send(its_predecessor, signal.SIGKILL)
    assert not tree.exited.done()
    assert send(row.process, signal.SIGKILL)

    assert (await proof(tree)).status == signal.SIGKILL
    assert not send(row.process, signal.SIGKILL)


async def test_a_process_cannot_hide_behind_its_name(guardian: Guardian, scene: Scene) -> None:
    program = "open('/proc/self/comm', 'w').write(') R 1 (x'); report(); wait()"
    tree = await scene.spawn(guardian, program)
    await scene.report()

    row = look(tree.pid)

    assert row is not None
    assert row.group == tree.pid
    assert children(row.parent) == [tree.pid]
    assert [each.process.pid for each in descendants(row.parent)] == [tree.pid]
    tree.kill()
    await proof(tree)


def test_nobody_is_below_a_process_that_is_gone() -> None:
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    ours.close()
    theirs.close()

    assert look(pid) is None
    assert children(pid) == []
    assert not send(Process(pid, 1), signal.SIGKILL)
