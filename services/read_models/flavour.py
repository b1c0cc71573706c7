"""What differs between SQLite and PostgreSQL. Everything else about them is said once, for both."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Flavour(NamedTuple):
    """What differs between the databases."""

    placeholder: str
    begin_writing: str
    begin_reading: str
    for_update: str
    """Behind the first select of a writing transaction."""
    reads_inline: bool
    """Whether a look-up is so short that a thread would cost more than it."""
    takes_nul: bool
    """Whether text may hold the character of no character; where it may not, it is replaced."""
    copies: bool = False
    """Whether rows may come as a stream, behind one statement."""
    numbers_placeholders: bool = False
    """Whether the server knows them by number: `$1`, `$2`, ..."""
    notify: str = ""
    """Tells other processes, once it is committed, how far the writer has come."""


SQLITE = Flavour("?", "BEGIN IMMEDIATE", "BEGIN", "", reads_inline=True, takes_nul=True)
POSTGRESQL = Flavour(
    "%s",
    "BEGIN",
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    " FOR UPDATE OF generation",
    reads_inline=False,
    takes_nul=False,
    copies=True,
    numbers_placeholders=True,
    notify="SELECT pg_notify(current_schema(), %s)",
)


def numbered(text: str, placeholder: str) -> str:
    """A statement as the server takes it."""
    first, *others = text.split(placeholder)
    return first + "".join(f"${number}{each}" for number, each in enumerate(others, 1))


def plain(cells: Sequence[Any]) -> Sequence[Any]:
    """Names and the like, as PostgreSQL takes them; the bytes of the event keep what was said."""
    return [
        cell.replace("\0", "\ufffd") if isinstance(cell, str) and "\0" in cell else cell
        for cell in cells
    ]
