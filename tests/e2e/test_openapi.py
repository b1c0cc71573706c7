"""Whatever is sent to a documented operation: no 5xx, and no answer that isn't documented."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.running import Running
from tests.proof_size import count

NATIVE = "^/(countermand/|[^/]+$)"
NO_HTTP = b"Invalid HTTP request received."
"""What the parser of HTTP says of a line that is too long: no operation has seen it."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("role", ["admin", "auditor"])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_is_answered_by_what_is_not_documented(
    service: Running, mode: GenerationMode, role: str
) -> None:
    """Neither one that makes sense nor one that makes none, whoever asks."""
    schema = schemathesis.openapi.from_url(service.url + "/openapi.json")
    # Without the streams, which don't end, and the dialects, which are tried on their own.
    native = schema.include(path_regex=NATIVE).exclude(path_regex="/stream$")
    key = service.key if role == "admin" else service.new_key("default", role)
    try_all(native, service.url, key, mode)


def try_all(
    schema: Any, url: str, key: str, mode: GenerationMode = GenerationMode.POSITIVE
) -> None:
    failures: list[Exception] = []
    for found in schema.get_all_operations():
        try:
            try_out(found.ok(), url, key, mode)
        except Exception as failure:  # noqa: BLE001 (each operation is tried, whatever another did)
            failures.append(failure)
    if failures:
        raise ExceptionGroup("undocumented answers", failures)


def try_out(operation: Any, url: str, key: str, mode: GenerationMode) -> None:
    headers = {"prefer": "wait=0", "authorization": f"Bearer {key}"}
    if not can_be_wrong(operation, mode):
        return

    @settings(
        max_examples=count(small=1, full=40),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        if "wait" in (case.query or {}) and mode.is_positive:
            case.query["wait"] = 0
        answer = case.call(base_url=url, headers=headers, timeout=30)
        assume(answer.content != NO_HTTP)
        case.validate_response(answer, headers=headers, checks=CHECKS)

    check()


def can_be_wrong(operation: Any, mode: GenerationMode) -> bool:
    """What takes nothing can't be asked for wrongly."""
    takes = (operation.path_parameters, operation.query, operation.headers, operation.body)
    return mode.is_positive or any(len(list(each)) for each in takes)
