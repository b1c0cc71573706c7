"""Stops counted since the start, by phase, handler and region: what the pulse tells.

No metric names an organization or a task. The exemplar of a bucket is the last cancel in it, by
the trace of its request, or by the id of its event.
"""

from collections import Counter

from prometheus_client.samples import Exemplar

from projections.entry import Entry
from projections.pulse.slots import PHASES, phase_us
from projections.pulse.stopping import Change, Stopped
from projections.pulse.tables import OTHERS
from services.telemetry.durations import CANCEL_SECONDS, Durations


class StopCounts:
    """Told by the pulse, read by a scrape."""

    def __init__(self, label_sets_limit: int) -> None:
        self.phases: dict[tuple[str, str, str], Durations] = {}
        """By phase, handler and region."""
        self.stopped: Counter[tuple[str, str, str]] = Counter()
        """By evidence, handler and region."""
        self.overran: Counter[tuple[str, str]] = Counter()
        """By handler and region."""
        self._labels: set[tuple[str, str]] = set()
        self._limit = label_sets_limit

    def told(self, entry: Entry, change: Change) -> None:
        if change.group is None:
            return
        labels = self._labels_of(change.group[1:])
        if change.overran:
            self.overran[labels] += 1
        stop = change.stopped
        if stop is None:
            return
        self.stopped[(stop.evidence, *labels)] += 1
        if stop.ran:
            self._time(stop, labels)

    def _time(self, stop: Stopped, labels: tuple[str, str]) -> None:
        example = trace_id(stop.trace)
        named = {"cancel_id": stop.cancel_id} if example is None else {"trace_id": example}
        for phase in PHASES:
            us = phase_us(phase, stop)
            if us is not None:
                durations = self.phases.get((phase, *labels))
                if durations is None:
                    durations = self.phases[(phase, *labels)] = Durations(CANCEL_SECONDS)
                seconds = us / 1_000_000
                durations.observe(seconds, Exemplar(named, seconds, stop.stopped_us / 1_000_000))

    def _labels_of(self, labels: tuple[str, str]) -> tuple[str, str]:
        if labels not in self._labels:
            if len(self._labels) >= self._limit:
                return (OTHERS, labels[1])
            self._labels.add(labels)
        return labels


def trace_id(traceparent: str | None) -> str | None:
    """The second field of `version-trace-span-flags`."""
    return None if traceparent is None else traceparent.split("-")[1]
