"""Which processes belong to a task: its own code marks them, and a look at the process table finds
them, wherever they hide.

Imported in hosts too: knows the standard library alone.
"""

import os
from collections.abc import Mapping
from pathlib import Path

TASK_MARK = "RIG_TASK"
"""The variable that shows it: whatever is started with it hands it on."""


def mark_this_process(task_id: str) -> None:
    """For a host, which is older than the task: its name shows the task's id."""
    Path("/proc/self/comm").write_text(task_id)
    # The kernel cuts names short; a mark that nobody would find proves nothing.
    assert Path("/proc/self/comm").read_text() == f"{task_id}\n", task_id


def marked_environment(task_id: str) -> Mapping[str, str]:
    return {**os.environ, TASK_MARK: task_id}


def processes_of(task_id: str) -> list[int]:
    """Who shows the mark, and isn't dead."""
    name, variable = f"{task_id}\n".encode(), f"{TASK_MARK}={task_id}".encode()
    return [
        int(pid)
        for pid in filter(str.isdigit, os.listdir("/proc"))
        if read(pid, "cmdline")  # the dead have none, also while nobody has waited for them
        and (read(pid, "comm") == name or variable in read(pid, "environ").split(b"\0"))
    ]


def read(pid: str, what: str) -> bytes:
    """Nothing, of who is gone or isn't ours."""
    try:
        return Path("/proc", pid, what).read_bytes()
    except OSError:
        return b""
