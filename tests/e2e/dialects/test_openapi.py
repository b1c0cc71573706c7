"""Whatever is sent to a route of a dialect: no 5xx, and no answer that isn't documented."""

import pytest
import schemathesis

from tests.e2e.running import Running
from tests.e2e.test_openapi import NATIVE, try_all

ENDLESS = "/(stream|events)$"
BY_DESIGN = "/parse-goal$"
"""Answers 502: there is no language model here."""


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_no_request_is_answered_by_what_is_not_documented(service: Running) -> None:
    schema = schemathesis.openapi.from_url(service.url + "/openapi.json")
    left_out = "|".join((NATIVE, ENDLESS, BY_DESIGN))
    try_all(schema.exclude(path_regex=left_out), service.url, service.key)
