"""A command is started with what it is given, or it is said why it can't be."""

import asyncio
import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT, SIGQUIT

import pytest

from services.executor.guardian.client import CannotStart, Gone, Guardian, Tree
from tests.component.guardian.scene import PATIENCE_SECONDS, Scene, proof, python
from tests.component.guardian.trees import WAITS


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
    await keeps_open(guardian, in_use)
    again = await scene.spawn(guardian, ["true"])
    assert (await proof(again)).status == 0


async def keeps_open(guardian: Guardian, descriptors: int) -> None:
    """Returns once the guardian has no more of them: it hears of a keeper's end a moment after the
    proof, and tells nobody."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(os.listdir(f"/proc/{guardian.pid}/fd")) > descriptors:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


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
    assert len(os.listdir("/proc/self/fd")) == open_before
    await keeps_open(guardian, guardians_before)
