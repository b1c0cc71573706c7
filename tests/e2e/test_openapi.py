"""Whatever is sent to a documented operation: no 5xx, and no answer that isn't documented."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.running import Running
from tests.proof_size import count

NATIVE = "^/(countermand/|[^/]+$)"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_no_request_is_answered_by_what_is_not_documented(service: Running) -> None:
    schema = schemathesis.openapi.from_url(service.url + "/openapi.json")
    # Without the streams, which don't end, and the dialects, which are tried on their own.
    try_all(schema.include(path_regex=NATIVE).exclude(path_regex="/stream$"), service)


def try_all(schema: Any, service: Running) -> None:
    failures: list[Exception] = []
    for found in schema.get_all_operations():
        try:
            try_out(found.ok(), service)
        except Exception as failure:  # noqa: BLE001 (each operation is tried, whatever another did)
            failures.append(failure)
    if failures:
        raise ExceptionGroup("undocumented answers", failures)


def try_out(operation: Any, service: Running) -> None:
    headers = {"prefer": "wait=0", "authorization": f"Bearer {service.key}"}

    @settings(
        max_examples=count(small=2, full=40),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        if "wait" in (case.query or {}):
            case.query["wait"] = 0
        case.call_and_validate(base_url=service.url, headers=headers, checks=CHECKS, timeout=30)

    check()
