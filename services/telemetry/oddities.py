"""What should never be in the log and is: bytes that are no event, and words of runs that had been
presumed dead. Both are kept and change no outcome; that somebody hears of them is this file's.

A listener of the ledger. Says where they are, never what is in them.
"""

from collections.abc import Mapping, Sequence

import structlog

from events.positions import Frontier, written_position
from events.state import Root
from events.words import Reason
from projections.entry import Entry

log = structlog.get_logger(__name__)


class Oddities:
    """Counted since the start of the process."""

    def __init__(self) -> None:
        self.malformed = 0
        """Records that are no event."""
        self.contradictions = 0
        """Words by which a run, presumed dead, shows that it lived on."""

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        """Nothing: what was there before has been heard of before."""

    def entered(self, entries: Sequence[Entry]) -> None:
        malformed = [entry for entry in entries if entry.event is None]
        if malformed:
            self.malformed += len(malformed)
            first = malformed[0]
            # One line for many: whoever writes rubbish shall not fill the disk with news of it.
            log.error(
                "malformed records",
                records=len(malformed),
                first=written_position(first.record.position),
                why=first.trouble,
            )
        for entry in entries:
            if entry.outcome.reason is Reason.AFTER_PRESUMED and entry.outcome.tasks:
                self.contradictions += 1
                log.error(
                    "a run was heard of after it was presumed dead",
                    task=entry.outcome.tasks[0].id,
                    at=written_position(entry.record.position),
                )

    async def room(self) -> None:
        """Always: nothing is queued here."""
