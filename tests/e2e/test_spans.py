"""Spans of a real service, sent to a collector by OTLP: one cancel is one trace, from its request
through the log to the stop."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.telemetry.telemetry import LAST_SPANS_SECONDS
from tests.e2e.asking import running
from tests.e2e.collector import Collector
from tests.e2e.running import Running

TRACE_ID, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def exporting_to(collector: Collector) -> dict[str, str]:
    return {
        "COUNTERMAND_TELEMETRY__SPAN_EXPORTER": "otlp_proto_http",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    service = Running(tmp_path_factory.mktemp("traced"), environment=exporting_to(collector))
    service.start()
    yield service
    assert service.stop() == 0, service.said()[-4000:]


def test_a_cancel_is_one_trace_from_its_request_to_the_stop(
    traced: Running, collector: Collector
) -> None:
    with traced.http() as http:
        task_id = running(http, "sleep")
        path = f"/tasks/{task_id}/cancel"
        headers = {"prefer": "wait=30", "traceparent": f"00-{TRACE_ID}-{CALLER}-01"}
        assert http.post(path, headers=headers).json()["status"] == "cancelled"
        lines = http.get(f"/tasks/{task_id}/history").json()["items"]
    request, cancel, observing, stopping = collector.of_trace(
        lambda span: span.trace_id == TRACE_ID, spans=4
    )

    # 1. The caller's trace goes on, and each span is below what it belongs to.
    assert request.name == f"POST /countermand/v1{path}"
    assert request.parent_id == CALLER
    assert (cancel.name, cancel.parent_id) == ("cancel", request.span_id)
    assert cancel.attributes["countermand.task"] == task_id
    assert cancel.attributes["countermand.evidence"] == "acknowledged"
    assert (observing.name, observing.parent_id) == ("requested to observed", cancel.span_id)
    assert (stopping.name, stopping.parent_id) == ("observed to stopped", cancel.span_id)
    # 2. It went through the log: whoever said something because of the request carried it on.
    carried = {
        line["event"]["type"].split(".", 1)[1]: line["event"].get("traceparent", "")
        for line in lines
    }
    written = f"00-{TRACE_ID}-{request.span_id}-01"
    because = ("cancel.requested.v1", "cancel.observed.v1", "task.cancelled.v1")
    assert [carried[each] for each in because] == [written] * 3
    assert carried["task.started.v1"] != written
    # 3. The phases follow each other, and fill the whole.
    assert request.start_ns <= cancel.start_ns == observing.start_ns
    assert observing.end_ns == stopping.start_ns
    assert stopping.end_ns == cancel.end_ns


def test_a_collector_that_is_away_holds_up_nobody(tmp_path: Path) -> None:
    away = Collector()
    away.close()
    environment = {**exporting_to(away), "COUNTERMAND_SHUTDOWN_GRACE_SECONDS": "1"}
    service = Running(tmp_path, environment=environment)
    service.start()
    with service.http() as http:
        http.post(f"/tasks/{running(http)}/cancel", headers={"prefer": "wait=30"})
    began = time.monotonic()

    assert service.stop() == 0
    assert time.monotonic() - began < LAST_SPANS_SECONDS + 5


def test_a_request_without_a_trace_begins_one_that_reaches_the_stop(
    traced: Running, collector: Collector
) -> None:
    with traced.http() as http:
        task_id = running(http, "sleep")
        http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "wait=30"})
    spans = collector.of_trace(
        lambda span: span.attributes.get("countermand.task") == task_id, spans=4
    )

    assert [each.parent_id for each in spans if each.name.startswith("POST")] == [""]
    assert len({each.trace_id for each in spans}) == 1
