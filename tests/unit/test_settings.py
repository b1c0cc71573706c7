"""Settings that can't work together are refused before anything starts."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.settings import Settings

A = {"url": "https://a.example", "key": "k"}
SITE = "5a1d3f0e-0000-4000-8000-000000000002"


@pytest.mark.parametrize(
    ("dialects", "where"),
    [
        pytest.param(
            {"nico": {"sites": {SITE: {"region": "a"}}}}, f"nico.sites.{SITE}", id="a_site"
        ),
        pytest.param(
            {"xpander": {"agents": {"*": {"kind": "x", "region": "a"}}}},
            "xpander.agents.*",
            id="an_agent",
        ),
        pytest.param(
            {
                "deep_work": {
                    "plans": {"auto": [{"title": "t", "target": {"kind": "x", "region": "a"}}]}
                }
            },
            "deep_work.plans.auto.0.target",
            id="a_planned_task",
        ),
    ],
)
def test_a_dialect_begins_nothing_in_a_region_that_decides_for_itself(
    dialects: dict[str, Any], where: str
) -> None:
    with pytest.raises(ValidationError, match=r"'a' is in regions\.others") as refused:
        Settings(dialects=dialects, regions={"others": {"a": A}})  # type: ignore[arg-type]
    assert f"dialects.{where}.region: " in str(refused.value)
    # A region without a log of its own is a label of executors.
    assert Settings(dialects=dialects)  # type: ignore[arg-type]
    both = {"others": {"a": A, "b": A}}
    assert Settings(region="a", dialects=dialects, regions=both)  # type: ignore[arg-type]
