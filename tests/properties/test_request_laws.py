"""What a request is made into without validating it again is what its bytes say."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from events.event import decode, encode, new_event
from events.task_events import TaskSubmitted
from services.operations.requests import TaskRequest
from services.operations.scope import Scope
from services.operations.submitting import submission
from services.permissions import Principal
from services.world import real_world
from tests.proof_size import count
from tests.properties.any_event import FIELDS

ANN = Principal("user", "ann", "acme", frozenset(), "jwt")
PARTS: Any = SimpleNamespace(world=real_world(), region="here", source="gateway")
SCOPE = Scope(parts=PARTS, principal=ANN, actor=ANN.actor(), view=None)  # type: ignore[arg-type]

AS_ASKED = [name for name in TaskSubmitted.model_fields if name in TaskRequest.model_fields]

requests = st.fixed_dictionaries(
    {"kind": FIELDS["kind"]},
    optional={name: FIELDS[name] for name in AS_ASKED if name not in ("kind", "project", "parent")},
)


@pytest.mark.prove
@settings(max_examples=count(small=40, full=1_000), deadline=None)
@given(st.lists(requests, min_size=1, max_size=3))
def test_a_submission_is_equal_to_what_is_read_back_and_written_in_the_same_order(
    asked: list[dict[str, Any]],
) -> None:
    heard = [TaskRequest.model_validate_json(to_json(each)) for each in asked]
    events = SCOPE.events([submission(SCOPE, each, number) for number, each in enumerate(heard)])
    for event in events:
        raw = encode(event)
        assert decode(raw) == event
        assert isinstance(event.data, TaskSubmitted)
        validated = new_event(
            TaskSubmitted(**dict(event.data)),
            id=event.id,
            subject=event.subject,
            organization="acme",
            time=event.time,
            source="gateway",
            region="here",
        )
        assert encode(validated) == raw
