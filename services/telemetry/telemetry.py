"""Metrics and traces of one process, put together for the composition root."""

from collections.abc import Callable
from threading import Thread
from typing import Protocol

from opentelemetry.sdk.trace import TracerProvider
from starlette.types import ASGIApp

from projections.entry import Entry
from projections.pulse.stopping import Change
from services.telemetry.commits import Commits
from services.telemetry.metrics import Metrics, Sources
from services.telemetry.settings import TelemetrySettings
from services.telemetry.spans import NAME, CancelSpans, installed_exporter, new_provider
from services.telemetry.stops import StopCounts
from services.telemetry.traced_requests import TracedRequests

LAST_SPANS_SECONDS = 2.0


class Told(Protocol):
    """The pulse."""

    def tell(self, changed: Callable[[Entry, Change], None]) -> None: ...


class Timeable(Protocol):
    """A log that can say how long its commits take."""

    def time_commits(self, committed: Callable[[float, int], None]) -> None: ...


class Telemetry:
    """Made before the services; what they have is added to `sources`."""

    def __init__(self, settings: TelemetrySettings) -> None:
        """Raises `NoSuchExporter`."""
        self.sources = Sources()
        self.metrics = Metrics(self.sources)
        self._settings = settings
        self._provider: TracerProvider | None = None
        if settings.span_exporter is not None:
            self._provider = new_provider(settings, installed_exporter(settings.span_exporter))

    def follow(self, pulse: Told) -> None:
        stops = StopCounts(self._settings.label_sets_limit)
        self.sources.stops = stops
        pulse.tell(stops.told)
        if self._provider is not None:
            pulse.tell(CancelSpans(self._provider.get_tracer(NAME)).told)

    def time(self, stream: str, log: Timeable) -> None:
        commits = Commits()
        self.sources.commits[stream] = commits
        log.time_commits(commits.committed)

    def traced(self, app: ASGIApp) -> ASGIApp:
        """The application itself, where no spans are collected."""
        if self._provider is None:
            return app
        return TracedRequests(app, self._provider.get_tracer(NAME))

    def close(self) -> None:
        """Sends what is left, unless the collector is away: nobody's end waits for one."""
        if self._provider is not None:
            closing = Thread(target=self._provider.shutdown, daemon=True)
            closing.start()
            closing.join(LAST_SPANS_SECONDS)
