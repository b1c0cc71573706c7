"""Which event stands before an event: how a copy of a topic shows that it has lost one.

Within its lifetime a producer neither loses nor turns around what it stores in a partition. So each
of its events names, in a header, the one that it stored there before; whoever reads a copy that
another tool has made, with offsets of its own, finds that one in front of it, or knows of a gap.
The first event of a producer names the last one that it found there, whoever had stored it: so what
a writer said before it ended is missed as soon as another one begins.
"""

from collections.abc import Mapping

from events.errors import CountermandError
from events.event import decode
from events.log import Message, Record

BEFORE_HEADER = "countermand_before"


class Chain:
    """Of one producer, in all partitions."""

    def __init__(self) -> None:
        self._last: dict[int, str] = {}
        self._found: set[int] = set()

    def is_begun(self, partition: int) -> bool:
        """Whether it is known what stood there when this producer began."""
        return partition in self._found

    def begin(self, partition: int, last: Record | None) -> None:
        """With the last one that is stored there; None: there is none."""
        self._found.add(partition)
        if last is not None and (event_id := id_in(last)) is not None:
            self._last.setdefault(partition, event_id)

    def link(self, partition: int) -> Mapping[str, str]:
        """The header of what is stored there next. The first one in a topic names none."""
        last = self._last.get(partition)
        return {} if last is None else {BEFORE_HEADER: last}

    def handed_over(self, partition: int, one: Message) -> None:
        if one.event is not None:
            self._last[partition] = one.event.id.hex


def id_in(record: Record) -> str | None:
    """Of its event; None where it has none that this release could read."""
    try:
        return decode(record.value).id.hex
    except CountermandError:
        return None
