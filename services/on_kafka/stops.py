"""The stops that this process hears of, told for metrics and traces: by one process at a time.

The pulse itself is the pulse workers' business; here only what is being stopped is kept, to know
how long each phase took.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from events.positions import Frontier
from events.state import Root
from projections.entry import Entry
from projections.pulse.stopping import Change, Stopping, changes, key_of, recalled
from services.backlog import Backlog


class Stops:
    """A listener of the ledger; `run` it beside."""

    def __init__(self, mine: Callable[[], bool]) -> None:
        """`mine`: whether this process is the one who tells."""
        self._mine = mine
        self._rows: dict[str, Stopping] = {}
        self._told: list[Callable[[Entry, Change], None]] = []
        self._backlog = Backlog(self._take)

    def tell(self, changed: Callable[[Entry, Change], None]) -> None:
        """From now on call this with every change."""
        self._told.append(changed)

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        for log_key, root in roots.items():
            organization = log_key.partition("/")[0]
            for task in root.tasks.values():
                row = recalled(organization, task)
                if row is not None:
                    self._rows[key_of(organization, task.id)] = row

    def entered(self, entries: Sequence[Entry]) -> None:
        self._backlog.entered(entries)

    async def room(self) -> None:
        await self._backlog.room()

    async def run(self) -> None:
        """Until cancelled."""
        await self._backlog.run()

    def _take(self, entry: Entry) -> Iterator[None]:
        for change in changes(entry, self._rows.get):
            self._changed(entry, change)
            yield

    def _changed(self, entry: Entry, change: Change) -> None:
        if change.row is None:
            self._rows.pop(change.key, None)
        else:
            self._rows[change.key] = change.row
        if self._mine():
            for tell in self._told:
                tell(entry, change)
