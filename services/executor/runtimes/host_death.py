"""What the death of a host means for the runs that were in it."""

from dataclasses import dataclass
from typing import NamedTuple

from events.words import Evidence
from services.executor.runtime import Broke, Ending, Stop, Stopped, SweptAway
from services.executor.runtimes.wait_status import how_it_ended


class RunEnded(NamedTuple):
    ending: Ending
    suspect: bool
    """It may have been this run's doing: it shares no host any more."""


@dataclass(frozen=True, slots=True)
class HostDeath:
    """How a host died, as far as its executor knows."""

    shared: bool
    was_killed: bool
    """By its executor, for whatever reason."""
    hung: bool
    """It answered no ping."""
    spoiled: bool
    """What came from it was nothing that a host says."""
    swept_away: bool
    """Its guardian killed it unasked, or died."""
    status: int | None
    """The host's own wait status; None: nobody has seen it."""
    last: Ending | None
    """How the one run of an isolated host had ended before."""

    def of(self, stop: Stop | None) -> RunEnded:
        """How it ended a run that had been told to stop, or hadn't."""
        if self.last is not None:
            return RunEnded(self.last, False)
        if stop is not None:
            return RunEnded(Stopped(Evidence.KILLED), False)
        if self.spoiled:
            return self._spoilt()
        if self.swept_away:
            return RunEnded(SweptAway("its guardian died, or its lease was over"), False)
        if self.shared:
            suspect = self.hung or not self.was_killed
            return RunEnded(SweptAway("its host was killed, or died"), suspect)
        how = "how is unknown" if self.status is None else how_it_ended(self.status)
        return RunEnded(Broke(f"the handler's process died: {how}", "process_died"), False)

    def _spoilt(self) -> RunEnded:
        if self.shared:
            why = "somebody in its host spoiled the channel to the executor"
            return RunEnded(SweptAway(why), True)
        why = "the handler closed or wrote to descriptor 3, its host's channel to the executor"
        return RunEnded(Broke(why, "channel_spoiled"), False)
