"""A collector of OpenTelemetry spans, as OTLP sends them over HTTP in protobuf."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

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
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                right = self.headers["content-type"] == "application/x-protobuf"
                if self.path == "/v1/traces" and right:
                    collector._take(body)
                self.send_response(200 if right else 415)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """It is the test that looks."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

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
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
