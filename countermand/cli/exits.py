"""What a command's exit code says."""

from enum import IntEnum


class Exit(IntEnum):
    DONE = 0
    REFUSED = 1
    """The service said no; stderr says why."""
    USAGE = 2
    UNREACHABLE = 3
    """No service answered; nothing is known about what was asked."""
    STILL_STOPPING = 4
    """The cancel is durable and irrevocable, and not confirmed yet."""
    CONFIGURATION = 5
    INTERRUPTED = 130
    """By Ctrl-C. What was asked for by then goes on."""


MEANINGS = {
    Exit.DONE: "done",
    Exit.REFUSED: "refused",
    Exit.USAGE: "used wrongly",
    Exit.UNREACHABLE: "unreachable",
    Exit.STILL_STOPPING: "still stopping",
    Exit.CONFIGURATION: "misconfigured",
    Exit.INTERRUPTED: "interrupted",
}
EPILOG = "Exit codes: " + ", ".join(f"{code:d} {text}" for code, text in MEANINGS.items()) + "."
