"""How a process ended, in words: for whoever reads why a run failed."""

import os
import signal


def how_it_ended(status: int) -> str:
    """From its wait status: `by signal SIGTERM`, or `with exit code 3`."""
    if os.WIFSIGNALED(status):
        return f"by signal {_name(os.WTERMSIG(status))}"
    return f"with exit code {os.WEXITSTATUS(status)}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # of the real-time signals only the first and the last have a name
        return str(number)
