"""How much the embedded log takes, holds and hands out at once."""

from dataclasses import dataclass

from events.event import LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond each of them: a clear error, or a wait that ends; nothing is lost."""

    message_limit_bytes: int = LIMIT_BYTES
    queue_limit_messages: int = 10_000
    queue_limit_bytes: int = 64_000_000
    """Appends wait while so much is queued. A larger one goes alone."""
    commit_limit_messages: int = 1_000
    """In one transaction; an append of more is stored by several."""
    quick_commit_seconds: float = 0.005
    """After a commit that took longer, the next one is made in a thread; 0: each is."""
    append_timeout_seconds: float = 30.0
    read_limit_bytes: int = 16_000_000
    """In one answer, give or take a slice."""
    read_slice_records: int = 100
    """Between two slices other tasks of the event loop have their turn."""
