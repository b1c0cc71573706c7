"""Ids of tasks and projects, and of events.

A root's id is one segment; what is below it has the id of what is above it, a dot, and a segment of
its own. So the root, and with it the log key, follows from any id alone.
"""

import re
from datetime import datetime
from hashlib import sha1, sha256
from uuid import UUID, SafeUUID

from events.errors import InvalidId

LIMIT_CHARACTERS = 200
DEPTH_LIMIT = 16
_SEGMENT = "[A-Za-z0-9][A-Za-z0-9_-]*"
PATTERN = rf"{_SEGMENT}(\.{_SEGMENT}){{0,{DEPTH_LIMIT - 1}}}"
_WELL_FORMED = re.compile(PATTERN)

NAMESPACE = UUID("5b7a0a3e-6f0b-5c0e-9d57-0f7c1d9f3a11")
"""Under which derived ids are made. It never changes: repeated derivations must meet."""


def check_id(text: str) -> str:
    """The id itself, or `InvalidId`."""
    if len(text) > LIMIT_CHARACTERS:
        raise InvalidId(text, f"longer than {LIMIT_CHARACTERS} characters")
    if text.count(".") >= DEPTH_LIMIT:
        raise InvalidId(text, f"more than {DEPTH_LIMIT} levels")
    if not _WELL_FORMED.fullmatch(text):
        raise InvalidId(
            text,
            "use letters, digits, '_' and '-', in segments joined by '.', e.g. 'import-7.step-2'",
        )
    return text


def root_of(subject: str) -> str:
    """The root that orders the history of a task or project."""
    return subject.partition(".")[0]


def above(subject: str) -> str | None:
    """The id of what is directly above; None for a root."""
    return subject.rpartition(".")[0] or None


def is_at_or_below(subject: str, top: str) -> bool:
    """Whether this is `top`, or something below it."""
    return subject == top or subject.startswith(f"{top}.")


def log_key(organization: str, root: str) -> str:
    """What the log orders by. Organizations contain no slash, so no two pairs share a key."""
    return f"{organization}/{root}"


def event_id(now: datetime, randomness: int) -> UUID:
    """A UUIDv7 from a time and 74 random bits."""
    milliseconds = int(now.timestamp() * 1000) & (2**48 - 1)
    high_and_low = (randomness & _HIGH) << 2 | randomness & _LOW
    return _uuid(milliseconds << 80 | _VERSION_7 | high_and_low)


def _uuid(number: int) -> UUID:
    """`UUID(int=number)`, without its looking for each other way to be made. Every event has one,
    and some callers send a thousand at once."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", number)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def derived_id(*cause: object) -> UUID:
    """The id of an event that follows from a cause: whoever derives it again gets the same.

    It is `uuid5` of the cause, made like all ids here: a region that catches up derives thousands.
    """
    name = "\x1f".join(map(str, cause)).encode()
    digest = sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).digest()
    return _uuid(int.from_bytes(digest[:16], "big") & _UNVERSIONED | _VERSION_5)


def marked(id: UUID) -> UUID:
    """The id with a check over its other bits in its last 32: what a service made can so be told
    from what a caller chose, without looking anything up."""
    return UUID(int=id.int >> _CHECK_BITS << _CHECK_BITS | _check(id))


def is_marked(text: str) -> bool:
    """Whether this is an id that `marked` gave, as it is written."""
    try:
        id = UUID(text)
    except ValueError:
        return False
    return str(id) == text and id == marked(id)


_HIGH, _LOW = 0xFFF << 62, 2**62 - 1
"""Of the 74 random bits of a UUIDv7."""
_VARIANT = 0b10 << 62
_VERSION_5 = 0x5 << 76 | _VARIANT
_VERSION_7 = 0x7 << 76 | _VARIANT
_UNVERSIONED = ~(0xF << 76 | 0b11 << 62)
_NAMESPACE_BYTES = NAMESPACE.bytes
_CHECK_BITS = 32


def _check(id: UUID) -> int:
    rest = (id.int >> _CHECK_BITS).to_bytes(12, "big")
    return int.from_bytes(sha256(b"countermand id" + rest).digest()[:4], "big")
