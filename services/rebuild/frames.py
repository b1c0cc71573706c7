"""What a rebuild and its judges say to each other: plain values, each behind its length.

Both ends are of one release and one interpreter, so Python's own quickest encoding does.
"""

import marshal
from typing import Any, BinaryIO

LENGTH_BYTES = 8
NO_REFERENCES = 2
"""The version of `marshal` that doesn't look for values which it has said already."""


BATCH = 0
"""What a judge is asked for: the rows of these records. It may be asked for some ahead."""
PART = 1
"""Events of the root that a judge waits for; none when there are no more."""

ROWS = 2
"""An answer of a judge: the rows of the share that it was given."""
RECALL = 3
"""It names a root's key, and goes on when it was given all events of the root."""
UNREAD = 4
"""The bytes of a record that it can't read. It doesn't go on."""


def packed(value: Any) -> bytes:
    frame = marshal.dumps(value, NO_REFERENCES)
    return len(frame).to_bytes(LENGTH_BYTES, "big") + frame


def unpacked(frame: bytes) -> Any:
    return marshal.loads(frame)


def length(head: bytes) -> int:
    return int.from_bytes(head, "big")


def send(pipe: BinaryIO, value: Any) -> None:
    pipe.write(packed(value))
    pipe.flush()


def receive(pipe: BinaryIO) -> Any:
    """Raises `EOFError` when the other end is gone."""
    frame = _exactly(pipe, length(_exactly(pipe, LENGTH_BYTES)))
    return unpacked(frame)


def _exactly(pipe: BinaryIO, size: int) -> bytes:
    read = pipe.read(size)
    if len(read) < size:
        raise EOFError
    return read
