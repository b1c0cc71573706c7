"""Every metric that there is, made at the moment of a scrape.

`docs/operations.md` says what each means; the alert rules and the dashboard name no others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from projections.pulse.picture import Picture
from services.projecting.standing import Standing
from services.telemetry.commits import Commits
from services.telemetry.oddities import Oddities
from services.telemetry.stops import StopCounts

OPENMETRICS = "application/openmetrics-text"
PREFIX = "countermand_"


class Delivering(Protocol):
    """Whoever sends webhooks."""

    def deliveries(self) -> Mapping[str, int]:
        """By state."""
        ...

    def failing(self) -> int:
        """How many endpoints."""
        ...


@dataclass
class Sources:
    """Where figures come from; what a process doesn't have it doesn't show."""

    stops: StopCounts | None = None
    picture: Callable[[], Picture] | None = None
    commits: MutableMapping[str, Commits] = field(default_factory=dict)
    runs: Callable[[], int] | None = None
    lag_entries: Callable[[], int] | None = None
    stopped_partitions: Callable[[], int] | None = None
    oddities: Oddities | None = None
    region_gaps: Callable[[], int] | None = None
    projector: Callable[[], Standing] | None = None
    webhooks: Delivering | None = None


class Metrics(Collector):
    """What `/metrics` shows."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        # Nothing is collected before the first scrape, not even to learn the names.
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self, accept: str) -> tuple[bytes, str]:
        """In OpenMetrics, which has exemplars, for who takes it; else as Prometheus' plain text."""
        if OPENMETRICS in accept:
            text: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return text, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def collect(self) -> Iterator[Metric]:
        sources = self._sources
        if sources.stops is not None:
            yield from of_stops(sources.stops)
        if sources.picture is not None:
            yield from of_picture(sources.picture())
        yield from of_commits(sources.commits)
        if sources.runs is not None:
            yield gauge("runs", "Runs that this process' executor has.", sources.runs())
        if sources.lag_entries is not None:
            yield gauge(
                "read_models_lag_entries",
                "Entries of the log that the read models don't show yet.",
                sources.lag_entries(),
            )
        if sources.projector is not None:
            yield from of_projector(sources.projector())
        if sources.stopped_partitions is not None:
            yield gauge(
                "stopped_partitions",
                "Partitions that stand at an event of a newer release.",
                sources.stopped_partitions(),
            )
        if sources.oddities is not None:
            yield from of_oddities(sources.oddities)
        if sources.region_gaps is not None:
            yield gauge(
                "region_gaps",
                "Regions of whose log this process reads a copy in which something is missing.",
                sources.region_gaps(),
            )
        if sources.webhooks is not None:
            yield from of_webhooks(sources.webhooks)


def of_stops(stops: StopCounts) -> Iterable[Metric]:
    times = HistogramMetricFamily(
        f"{PREFIX}cancel_phase_seconds",
        "How long each phase of a stop took: requested, observed, stopped.",
        labels=("phase", "handler", "region"),
    )
    for labels, durations in sorted(stops.phases.items()):
        times.add_metric(labels, durations.buckets(), durations.sum)
    stopped = CounterMetricFamily(
        f"{PREFIX}cancels_stopped",
        "Stops by how they are known.",
        labels=("evidence", "handler", "region"),
    )
    for each, count in sorted(stops.stopped.items()):
        stopped.add_metric(each, count)
    overran = CounterMetricFamily(
        f"{PREFIX}cancels_overran",
        "Stops that took longer than their stop_within_seconds.",
        labels=("handler", "region"),
    )
    for pair, count in sorted(stops.overran.items()):
        overran.add_metric(pair, count)
    return times, stopped, overran


def of_picture(shown: Picture) -> Iterable[Metric]:
    executors = shown["executors"]
    yield gauge("cancels_stopping", "Tasks whose runs are being stopped.", shown["stopping"])
    yield gauge(
        "cancels_unobserved",
        "Tasks asked to stop whose runs haven't been told yet.",
        shown["unobserved"],
    )
    yield gauge("cancels_overdue", "Stops not proved though their grace is over.", shown["overdue"])
    yield gauge("deadlines_due", "Deadlines past and not acted on yet.", shown["deadlines"]["due"])
    yield by_label(
        "executors",
        "Executors by what their heartbeats say.",
        "state",
        {"alive": executors["alive"], "draining": executors["draining"], "lost": executors["lost"]},
    )


def of_commits(commits: Mapping[str, Commits]) -> Iterable[Metric]:
    times = HistogramMetricFamily(
        f"{PREFIX}log_commit_seconds", "How long a commit of the log took.", labels=("stream",)
    )
    events = CounterMetricFamily(
        f"{PREFIX}log_events", "Events stored in the log.", labels=("stream",)
    )
    for stream, each in commits.items():
        times.add_metric((stream,), each.seconds.buckets(), each.seconds.sum)
        events.add_metric((stream,), each.events)
    return times, events


def of_oddities(oddities: Oddities) -> Iterable[Metric]:
    yield CounterMetricFamily(
        f"{PREFIX}malformed_records",
        "Records of the history that are no event.",
        value=oddities.malformed,
    )
    yield CounterMetricFamily(
        f"{PREFIX}contradictions",
        "Words of runs that had been presumed dead.",
        value=oddities.contradictions,
    )


def of_webhooks(webhooks: Delivering) -> Iterable[Metric]:
    yield by_label(
        "webhook_deliveries",
        "Webhook deliveries that wait (pending) or were given up (dead).",
        "state",
        webhooks.deliveries(),
    )
    yield gauge(
        "webhooks_failing",
        "Webhook endpoints that haven't accepted what they were sent, and are tried again.",
        webhooks.failing(),
    )


def of_projector(standing: Standing) -> Iterable[Metric]:
    yield gauge(
        "projector_memory_bytes",
        "Memory that only the process beside this one uses that writes the read models.",
        standing.memory_bytes,
    )
    yield CounterMetricFamily(
        f"{PREFIX}projector_restarts",
        "Processes that write the read models and took the place of one that had ended.",
        value=standing.restarts,
    )


def gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, documentation, value=value)


def by_label(name: str, documentation: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, documentation, labels=(label,))
    for each, value in values.items():
        family.add_metric((each,), value)
    return family
