"""Metrics and spans: made from what the pulse tells, without touching what is stopped."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.types import Message, Receive, Scope, Send

from projections.moments import us
from projections.pulse.tables import OTHERS, Tables, entering
from services.telemetry.durations import Durations
from services.telemetry.metrics import OPENMETRICS, Metrics, Sources
from services.telemetry.settings import TelemetrySettings
from services.telemetry.spans import CancelSpans, NoSuchExporter
from services.telemetry.stops import StopCounts
from services.telemetry.telemetry import Telemetry
from services.telemetry.traced_requests import TracedRequests
from tests.builders import History, a_task
from tests.builders.actors import START
from tests.unit.test_pulse_rows import entries

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def traced(history: History) -> History:
    """As if its last request had come with a trace."""
    *before, last = history.events
    changed = last.model_copy(update={"traceparent": TRACEPARENT})
    return History(history.subject, (*before, changed), history.now)


def a_traced_stop() -> History:
    asked = traced(a_task(kind="report").started().cancel_requested())  # requested at +3 s
    return asked.cancel_observed().later(1).cancelled()  # +4 s, +6 s


def told(history: History, *listeners: Any) -> None:
    tables = Tables()
    for entry in entries(history):
        for change in entering(tables, entry):
            for each in listeners:
                each.told(entry, change)


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], Any]:
    text, _ = metrics.text(OPENMETRICS)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample
        for family in text_string_to_metric_families(text.decode())  # type: ignore[no-untyped-call]
        for sample in family.samples
    }


def test_a_stop_is_in_the_histogram_of_each_phase_with_its_trace() -> None:
    stops = StopCounts(10)
    told(a_traced_stop(), stops)
    found = samples(Metrics(Sources(stops=stops)))

    def of(name: str, **labels: str) -> Any:
        whose = {"handler": "report", "region": "local", **labels}
        return found[f"countermand_{name}", tuple(sorted(whose.items()))]

    assert of("cancel_phase_seconds_count", phase="requested_to_stopped").value == 1
    assert of("cancel_phase_seconds_sum", phase="requested_to_stopped").value == 3
    assert of("cancel_phase_seconds_sum", phase="requested_to_observed").value == 1
    assert of("cancel_phase_seconds_bucket", phase="observed_to_stopped", le="1.0").value == 0
    bucket = of("cancel_phase_seconds_bucket", phase="observed_to_stopped", le="2.5")
    assert bucket.value == 1
    assert bucket.exemplar.labels == {"trace_id": TRACE}
    assert of("cancels_stopped_total", evidence="acknowledged").value == 1


def test_kinds_beyond_the_limit_share_their_labels() -> None:
    stops = StopCounts(2)
    for kind in "abcd":
        told(a_task(kind=kind).cancel_requested(), stops)

    assert {labels[1] for labels in stops.stopped} == {"a", "b", OTHERS}
    assert sum(stops.stopped.values()) == 4


def test_durations_are_counted_up_to_their_bounds() -> None:
    durations = Durations((0.1, 1))
    for seconds in (0.1, 0.2, 1, 7):
        durations.observe(seconds)

    assert [each[:2] for each in durations.buckets()] == [("0.1", 1), ("1.0", 3), ("+Inf", 4)]


@pytest.fixture
def exported() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider, exporter
    provider.shutdown()


Exported = tuple[TracerProvider, InMemorySpanExporter]


def test_a_cancel_is_followed_from_its_request_to_the_stop(exported: Exported) -> None:
    provider, exporter = exported
    told(a_traced_stop(), CancelSpans(provider.get_tracer("t")))
    spans = {span.name: span for span in exporter.get_finished_spans()}

    def seconds(span: ReadableSpan) -> list[float]:
        assert span.start_time is not None
        assert span.end_time is not None
        return [(each / 1000 - us(START)) / 1e6 for each in (span.start_time, span.end_time)]

    whole = spans["cancel"]
    assert whole.parent is not None
    assert f"{whole.parent.trace_id:032x}" == TRACE
    assert f"{whole.parent.span_id:016x}" == "b7ad6b7169203331"
    assert seconds(whole) == [3, 6]
    assert seconds(spans["requested to observed"]) == [3, 4]
    assert seconds(spans["observed to stopped"]) == [4, 6]
    assert spans["observed to stopped"].parent == whole.get_span_context()
    assert whole.attributes is not None
    assert whole.attributes["countermand.evidence"] == "acknowledged"


def test_what_nobody_traces_makes_no_span(exported: Exported) -> None:
    provider, exporter = exported
    told(a_task().started().cancel_requested().cancelled(), CancelSpans(provider.get_tracer("t")))

    assert exporter.get_finished_spans() == ()


async def request(app: TracedRequests, method: str, *headers: tuple[bytes, bytes]) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        """Nobody listens."""

    await app({"type": "http", "method": method, "path": "/x", "headers": headers}, receive, send)


async def test_a_request_goes_on_under_its_own_span(exported: Exported) -> None:
    provider, exporter = exported
    seen: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend(value for name, value in scope["headers"] if name == b"traceparent")
        await send({"type": "http.response.start", "status": 202, "headers": []})

    traced_app = TracedRequests(app, provider.get_tracer("t"))
    await request(traced_app, "POST", (b"traceparent", TRACEPARENT.encode()))
    await request(traced_app, "POST")
    await request(traced_app, "GET")
    first, second = exporter.get_finished_spans()

    assert first.context is not None
    assert first.parent is not None
    assert f"{first.parent.trace_id:032x}" == TRACE
    assert seen[0].decode() == f"00-{TRACE}-{first.context.span_id:016x}-01"
    assert second.parent is None
    assert len(seen) == 2
    assert first.attributes == {"http.response.status_code": 202}


def test_an_exporter_that_is_not_installed_says_what_to_install() -> None:
    with pytest.raises(NoSuchExporter, match="install its package"):
        Telemetry(TelemetrySettings(span_exporter="nowhere"))


def test_without_an_exporter_the_application_is_left_as_it_is() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Whatever."""

    assert Telemetry(TelemetrySettings()).traced(app) is app
