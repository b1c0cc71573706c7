"""A span for each request that asks for something, in front of the application.

Installed only where spans are collected. The request goes on with the span's own `traceparent`,
which the events carry on into the log.
"""

from opentelemetry.trace import SpanKind, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING = frozenset({"GET", "HEAD", "OPTIONS"})
HEADER = b"traceparent"


class TracedRequests:
    """ASGI."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READING:
            await self._app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == HEADER]
        carrier = {"traceparent": given[-1].decode("latin-1")} if given else {}
        parent = self._propagator.extract(carrier)
        span = self._tracer.start_span(
            f"{scope['method']} {scope['path'][:200]}", parent, kind=SpanKind.SERVER
        )
        carried: dict[str, str] = {}
        self._propagator.inject(carried, set_span_in_context(span))
        headers = [pair for pair in scope["headers"] if pair[0] != HEADER]
        headers.append((HEADER, carried["traceparent"].encode()))

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
            await send(message)

        try:
            await self._app({**scope, "headers": headers}, receive, sent)
        finally:
            span.end()
