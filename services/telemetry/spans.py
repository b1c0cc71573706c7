"""Spans that follow one cancel from its request to the stop, made from the log afterwards.

The request's span is made by the gateway; its `traceparent` is in the envelope of the cancel, and
in what executors say because of it. Once the stop is in the log, its phases become spans below the
request's, with the times of the events: nobody who stops something ever touches a tracer.
"""

from importlib.metadata import entry_points

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from events.errors import CountermandError
from projections.entry import Entry
from projections.pulse.stopping import Change, Stopped
from services.telemetry.settings import TelemetrySettings

EXPORTERS = "opentelemetry_traces_exporter"
NAME = "countermand"


class NoSuchExporter(CountermandError):
    """A span exporter that isn't installed here."""

    def __init__(self, name: str) -> None:
        known = ", ".join(sorted(each.name for each in entry_points(group=EXPORTERS))) or "none"
        super().__init__(
            f"telemetry.span_exporter: {name!r} isn't installed (there is: {known}); install its "
            "package, e.g. opentelemetry-exporter-otlp-proto-http for 'otlp_proto_http'"
        )


def new_provider(settings: TelemetrySettings, exporter: SpanExporter) -> TracerProvider:
    """Requests that are traced already stay so; of others, the share that is set."""
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.sampled_share)),
        resource=Resource.create({"service.name": NAME}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def installed_exporter(name: str) -> SpanExporter:
    for found in entry_points(group=EXPORTERS, name=name):
        exporter: SpanExporter = found.load()()
        return exporter
    raise NoSuchExporter(name)


class CancelSpans:
    """Told by the pulse."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def told(self, entry: Entry, change: Change) -> None:
        stop = change.stopped
        if stop is not None and stop.trace is not None:
            self._follow(stop, change.key, parent_of(stop.trace))

    def _follow(self, stop: Stopped, key: str, parent: Context) -> None:
        organization, _, task_id = key.partition("/")
        whole = self._tracer.start_span(
            "cancel",
            parent,
            start_time=stop.requested_us * 1000,
            attributes={
                "countermand.organization": organization,
                "countermand.task": task_id,
                "countermand.cancel": stop.cancel_id,
                "countermand.handler": stop.kind,
                "countermand.region": stop.region,
                "countermand.evidence": stop.evidence,
            },
        )
        below = set_span_in_context(whole)
        if stop.observed_us is not None:
            self._phase("requested to observed", below, stop.requested_us, stop.observed_us)
            self._phase("observed to stopped", below, stop.observed_us, stop.stopped_us)
        whole.end(max(stop.stopped_us, stop.requested_us) * 1000)

    def _phase(self, name: str, below: Context, start_us: int, end_us: int) -> None:
        """Clocks differ: an end is never before its start."""
        span = self._tracer.start_span(name, below, start_time=start_us * 1000)
        span.end(max(end_us, start_us) * 1000)


def parent_of(traceparent: str) -> Context:
    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})
