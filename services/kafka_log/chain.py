"""Which event stands before an event: how a copy of a topic shows that it has lost one.

Within its lifetime a producer neither loses nor turns around what it stores in a partition. So each
of its events names, in a header, the one that it stored there before; whoever reads a copy that
another tool has made, with offsets of its own, finds that one in front of it, or knows of a gap.
"""

from collections.abc import Mapping

from events.log import Message

BEFORE_HEADER = "countermand_before"


class Chain:
    """Of one producer, in all partitions."""

    def __init__(self) -> None:
        self._last: dict[int, str] = {}

    def link(self, partition: int) -> Mapping[str, str]:
        """The header of what is stored there next. The first one names none."""
        last = self._last.get(partition)
        return {} if last is None else {BEFORE_HEADER: last}

    def handed_over(self, partition: int, one: Message) -> None:
        if one.event is not None:
            self._last[partition] = one.event.id.hex
