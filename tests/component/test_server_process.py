"""A server of the test cluster lives exactly as long as somebody wants it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.process import ServerFailed, ServerProcess

PATIENCE_SECONDS = 60.0
SLEEPS = ["sleep", "60"]
STARTS_ONE_AND_WAITS = """
import sys, time
from pathlib import Path
from cluster.process import ServerProcess
server = ServerProcess(["sleep", "60"], Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state(pid: int) -> str:
    """One letter, as in `ps`; Z and nothing are what is left of a process that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_ONE_AND_WAITS, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert state(pid) not in {"", "Z"}
        starter.send_signal(signal.SIGKILL)
    until(lambda: state(pid) in {"", "Z"})


def test_a_server_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    server = ServerProcess(SLEEPS, tmp_path / "log")
    asking = threading.Thread(target=server.start)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    until(lambda: Path(f"/proc/{server.pid}/comm").read_text() == "sleep\n")
    assert server.alive
    server.stop()
    assert not server.alive


def test_a_paused_server_can_be_stopped(tmp_path: Path) -> None:
    server = ServerProcess(SLEEPS, tmp_path / "log")
    server.start()
    server.pause()
    until(lambda: state(server.pid) == "T")
    server.stop()
    assert not server.alive


def test_a_server_has_a_process_group_of_its_own(tmp_path: Path) -> None:
    server = ServerProcess(SLEEPS, tmp_path / "log")
    server.start()
    assert os.getpgid(server.pid) == server.pid
    server.kill()
    assert not server.alive


def test_a_start_that_fails_shows_the_end_of_the_log(tmp_path: Path) -> None:
    server = ServerProcess(["sh", "-c", "echo the reason; exit 1"], tmp_path / "log")
    server.start()
    with pytest.raises(ServerFailed, match="the reason"):
        server.wait_until(lambda: False, PATIENCE_SECONDS)


def test_a_server_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    server = ServerProcess(SLEEPS, tmp_path / "log")
    server.start()
    with pytest.raises(ServerFailed, match="not ready after"):
        server.wait_until(lambda: False, timeout_seconds=0.2)
    assert not server.alive
