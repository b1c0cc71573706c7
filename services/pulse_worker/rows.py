"""The rows of one partition, in the one Table that holds the rows of all.

One Table has one changelog: whoever recovers it finds what was written before what, so that a place
never stands without the rows that it stands for.
"""

from collections.abc import Iterator, MutableMapping
from typing import Any, Generic, TypeVar

from projections.pulse.tables import Tables

LAYOUT = 1
"""Of what a row holds. Workers of another layout have a group, a changelog and tables of their own,
and begin as without any (docs/decisions/0215)."""

Row = TypeVar("Row")
PLACE = "place"
HERE = "here"
"""The one key of a partition's place."""
KINDS = ("stopping", "slots", "deadlines")


class Rows(MutableMapping[str, Row], Generic[Row]):
    """Those whose keys begin alike, without that beginning."""

    def __init__(self, table: MutableMapping[str, Any], partition: int, kind: str) -> None:
        self._table = table
        self._prefix = f"{partition}|{kind}|"

    def __getitem__(self, key: str) -> Row:
        row: Row = self._table[self._prefix + key]
        return row

    def __setitem__(self, key: str, row: Row) -> None:
        self._table[self._prefix + key] = row

    def __delitem__(self, key: str) -> None:
        del self._table[self._prefix + key]

    def __contains__(self, key: object) -> bool:
        return f"{self._prefix}{key}" in self._table

    def __iter__(self) -> Iterator[str]:
        start = len(self._prefix)
        return iter([key[start:] for key in list(self._table) if key.startswith(self._prefix)])

    def clear(self) -> None:
        """In one look at the Table."""
        for key in self:
            del self[key]

    def __len__(self) -> int:
        return sum(1 for _ in self)


def partition_in(key: str) -> int:
    """Whose row this is, by its key in the Table."""
    return int(key.partition("|")[0])


def tables_of(table: MutableMapping[str, Any], partition: int) -> Tables:
    """What the pulse's functions work on. Executors are no partition's."""
    stopping, slots, deadlines = (Rows[Any](table, partition, kind) for kind in KINDS)
    return Tables(stopping=stopping, slots=slots, deadlines=deadlines)


def places_of(table: MutableMapping[str, Any], partition: int) -> Rows[int]:
    """One row: the offset of the first record that isn't taken in."""
    return Rows[int](table, partition, PLACE)
