"""Who reads the OpenAPI document learns nothing of how our folders are called."""

import json
import re

import pytest

from services.gateway.app import described
from services.gateway.schema_names import plain_names


def test_no_schema_is_named_after_a_module_and_every_reference_is_to_one() -> None:
    document = described()
    schemas = document["components"]["schemas"]
    assert {"TaskDocument", "ProjectDocument", "ProgressDocument", "CrmFailure"} <= set(schemas)
    assert [name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)] == []
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert referred <= set(schemas)
    got = document["paths"]["/countermand/v1/tasks/{task_id}"]["get"]["responses"]["200"]
    assert got["content"]["application/json"]["schema"]["$ref"].endswith("/TaskDocument")
    assert "payload" in schemas["TaskDocument"]["properties"]


def test_two_of_one_name_in_a_dialect_are_told_apart_by_their_modules() -> None:
    names = ["services__dialects__deep_work__starting__Reply", "services__documents__Task"]
    assert list(plain_names(names).values()) == ["DeepWorkReply", "Task"]
    twice = [*names, "services__dialects__deep_work__mission_control__Reply"]
    assert plain_names(twice)[twice[0]] == "DeepWorkStartingReply"
    assert plain_names(twice)[twice[2]] == "DeepWorkMissionControlReply"
    with pytest.raises(AssertionError, match="two schemas of one name"):
        plain_names([*names, "Task"])
