"""What a service and the process that writes its read models say to each other: lines of JSON,
one object each, with one of these names in it."""

import json

GOAL = "goal"
"""To the projector: write everything before this offset."""
REACHED = "reached"
"""From it: everything before this offset is committed."""
GENERATION = "generation"
"""From it: a rebuilt generation of this number has taken over; from now on it is written."""
TROUBLE = "trouble"
"""From it, last: why it goes no further."""

LINE_LIMIT_BYTES = 1 << 20


def said(**words: int | str) -> bytes:
    return json.dumps(words).encode() + b"\n"


def heard(line: bytes) -> dict[str, int | str]:
    found: dict[str, int | str] = json.loads(line)
    return found
