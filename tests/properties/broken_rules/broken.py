"""How a rule of the table is broken, and who notices."""

from typing import NamedTuple


class Broken(NamedTuple):
    rule: str
    file: str
    old: str
    """What was written."""
    new: str
    """What takes its place."""
    seen_by: str
    """A check of `tests.properties.checks`."""
