"""A collector of OpenTelemetry spans, as OTLP sends them over HTTP in protobuf."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.http_side import HttpSide

PATIENCE_SECONDS = 30.0


class Collected(NamedTuple):
    """One span."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty: none."""
    start_ns: int
    end_ns: int
    attributes: dict[str, str]


class Collector:
    """Takes whatever is sent to `/v1/traces`."""

    def __init__(self) -> None:
        self._spans: list[Collected] = []
        self._news = threading.Condition()
        self._side = HttpSide(self._answer)

    @property
    def url(self) -> str:
        return self._side.url

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        right = request.headers["content-type"] == "application/x-protobuf"
        if request.path == "/v1/traces" and right:
            self._take(body)
        request.send_response(200 if right else 415)
        request.send_header("content-length", "0")
        request.end_headers()

    def _take(self, body: bytes) -> None:
        sent = ExportTraceServiceRequest.FromString(body)
        with self._news:
            for resource in sent.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self._spans.append(
                            Collected(
                                span.name,
                                span.trace_id.hex(),
                                span.span_id.hex(),
                                span.parent_span_id.hex(),
                                span.start_time_unix_nano,
                                span.end_time_unix_nano,
                                {each.key: each.value.string_value for each in span.attributes},
                            )
                        )
            self._news.notify_all()

    def of_trace(self, chosen: Callable[[Collected], bool], spans: int) -> list[Collected]:
        """All spans of the trace of the chosen one, once there are so many, by their starts."""

        def found() -> list[Collected]:
            traces = {each.trace_id for each in self._spans if chosen(each)}
            return [each for each in self._spans if each.trace_id in traces]

        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= spans, PATIENCE_SECONDS), self._spans
            return sorted(found(), key=lambda each: (each.start_ns, -each.end_ns))

    def close(self) -> None:
        self._side.close()
