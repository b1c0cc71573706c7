"""How a host ends: at once, whatever its threads, tasks and exit handlers would like to do."""

import contextlib
import os
import sys
from typing import NoReturn


def leave() -> NoReturn:
    """When there is nothing left to do."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(0)


def vanish() -> NoReturn:
    """When the executor is gone. Flushing could wait for a reader that is gone with it."""
    os._exit(0)
