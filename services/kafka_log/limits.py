"""How long the log on Kafka waits, and how much it takes and hands out at once."""

from dataclasses import dataclass

from events.event import LIMIT_BYTES

BATCH_LIMIT_BYTES = 1_048_588
"""What Kafka takes at once unless told otherwise, so that topics made by others serve, too."""
ENVELOPE_LIMIT_BYTES = 40_000
"""Of key and headers. With the largest event they still fit into a batch."""


SILENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond each of them: a clear error, nothing lost."""

    message_limit_bytes: int = LIMIT_BYTES
    patience_seconds: float = 30.0
    """How long brokers may be away before a call gives up with `LogUnavailable`."""
    start_seconds: float = 30.0
    """How long opening a log waits for brokers that can't be reached."""
    request_timeout_seconds: float = 10.0
    """How long one broker may be silent before its connection is given up, and another asked."""
    silence_seconds: float = SILENCE_SECONDS
    """How long a follower hears nothing before it asks whether there is nothing or nobody."""
    fetch_limit_bytes: int = 16_000_000
    """What one follower holds in memory, from each broker."""
