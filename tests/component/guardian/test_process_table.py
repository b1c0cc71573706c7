"""The process table is read right, whatever processes do to their entries."""

import os
import signal
import socket

from services.executor.guardian.client import Guardian
from services.executor.guardian.process_table import Process, children, descendants, look, send
from tests.component.guardian.scene import Scene, proof
from tests.component.guardian.trees import WAITS


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
