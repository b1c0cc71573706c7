"""What is told, from outside, of the process that writes the read models."""

from typing import NamedTuple

import psutil


class Standing(NamedTuple):
    """At one moment."""

    memory_bytes: int
    """That nobody else uses; 0 while there is no process. What a fork shares with its service is
    counted there."""
    restarts: int
    """How many took the place of one that had ended."""


def own_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_full_info().uss)
    except psutil.Error:
        return 0  # It ends just now.
