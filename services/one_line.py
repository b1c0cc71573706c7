"""A record's JSON in one line, for formats in which a line's end ends something."""


def in_one_line(value: bytes) -> bytes:
    """Our own events are in one. Whoever else can write the log may have laid theirs out; within
    JSON's texts a line's end can't be but escaped."""
    if b"\n" in value or b"\r" in value:
        return value.replace(b"\n", b" ").replace(b"\r", b" ")
    return value
