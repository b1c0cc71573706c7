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
