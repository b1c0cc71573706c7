"""Process trees end by themselves, or when they are asked to, whole."""

import asyncio
import signal

import pytest

from services.executor.guardian.client import Gone, Guardian
from tests.component.guardian.scene import Scene, exit_code, parent, proof
from tests.component.guardian.trees import FORKS_TWICE, STOPS_ITSELF


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


@pytest.mark.parametrize("reached", [True, False], ids=["from here", "by its keeper"])
async def test_nobody_is_asked_twice(
    guardian: Guardian, scene: Scene, monkeypatch: pytest.MonkeyPatch, reached: bool
) -> None:
    """Also who outlives the main process, in its group or in a session of its own."""
    if not reached:  # a kernel that can't signal a group through a pidfd

        def unreachable(pidfd: int, signal_number: int, *, to_its_group: bool = False) -> bool:
            return False

        monkeypatch.setattr("services.executor.guardian.tree.send_through", unreachable)
    tree = await scene.spawn(
        guardian,
        """
asked = []
def end(*_):
    report("asked", times=len(asked))
    os._exit(0)
for session in ("the main one's", "its own"):
    if os.fork() == 0:
        if session == "its own":
            os.setsid()
        signal.signal(signal.SIGTERM, lambda *_: (asked.append(1), signal.alarm(1)))
        signal.signal(signal.SIGALRM, end)
        break
else:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
report(); wait()
""",
    )
    await scene.reports(3)

    tree.terminate()

    assert [each["times"] for each in await scene.reports(2)] == [1, 1]
    assert await proof(tree) == Gone(signal.SIGTERM, 0, "keeper")


async def test_a_stopped_process_hears_that_it_is_asked(guardian: Guardian, scene: Scene) -> None:
    tree = await scene.spawn(guardian, STOPS_ITSELF)
    await scene.report()

    tree.terminate()

    assert await exit_code(tree) == -signal.SIGTERM
    assert (await proof(tree)).killed == 0


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
