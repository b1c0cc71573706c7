"""What the gateway counts and caches, without a network."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from events.positions import Position
from services.control_store import store
from services.control_store.migrations import NEWEST
from services.gateway import problems
from services.gateway.fast_lane import SUBMISSION, submission_in
from services.gateway.kept_documents import KeptDocuments
from services.gateway.rate_limits import Buckets
from services.permissions import Permission, Principal
from services.settings import read_settings
from services.verdicts import Verdicts
from tests.builders import a_task

ANN = Principal("user", "ann", "acme", frozenset(), "jwt")
BOB = Principal("user", "bob", "acme", frozenset(), "jwt")


def test_one_principal_s_haste_is_not_another_s_problem() -> None:
    now = [0.0]
    buckets = Buckets(per_second=2, burst=3, kept=10, monotonic=lambda: now[0])
    assert [buckets.take(ANN) for _ in range(4)] == [True, True, True, False]
    assert buckets.take(BOB)
    assert buckets.missing_seconds(ANN) == 0.5
    now[0] = 0.5
    assert buckets.take(ANN)
    assert not buckets.take(ANN)


def test_a_document_that_was_read_before_a_change_is_not_kept_after_it() -> None:
    kept = KeptDocuments(10)
    begun = kept.begin("acme/a")
    kept.changed("acme/a")
    kept.keep("acme/a", begun, "a", b"old")
    assert kept.get("acme/a", "a") is None
    kept.keep("acme/a", kept.begin("acme/a"), "a", b"new")
    assert kept.get("acme/a", "a") == b"new"
    kept.changed("acme/a")
    assert kept.get("acme/a", "a") is None


def test_a_document_from_before_an_append_is_not_kept_until_that_is_judged() -> None:
    kept, verdicts = KeptDocuments(10), Verdicts()
    verdicts.tell(kept.changed)
    event = a_task().cancel_requested().events[-1]
    kept.keep(event.key, kept.begin(event.key), event.subject, b"running")
    verdicts.appended([event], [Position(0, 1)])
    assert kept.get(event.key, event.subject) is None


def test_documents_kept_are_bounded() -> None:
    kept = KeptDocuments(3)
    for number in range(10):
        kept.keep(f"acme/{number}", kept.begin(f"acme/{number}"), "t", b"x")
    assert sum(kept.get(f"acme/{number}", "t") is not None for number in range(10)) == 3


def test_the_settings_add_roles_to_those_that_are_there() -> None:
    settings = read_settings(roles={"stopper": ["tasks.cancel"]})
    assert settings.roles["stopper"] == {Permission.TASKS_CANCEL}
    assert Permission.OPERATE in settings.roles["admin"]


def test_the_newest_migration_is_the_one_that_is_named() -> None:
    from pathlib import Path

    folder = Path(store.__file__).parent / "migrations" / "versions"
    versions = sorted(path.name[:4] for path in folder.glob("0*.py"))
    assert versions[-1] == NEWEST


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"kind": "k", "id": "not an id"}, ["body.id"]),
        ({"id": "a"}, ["body.kind"]),
        ({"tasks": [{"kind": "k", "id": "not an id"}]}, ["body.tasks.0.id"]),
        ({"tasks": 1}, ["body.tasks"]),
        ({"kind": "k", "BatchRequest": 1}, ["body.BatchRequest"]),
        ({"kind": "k", "labels": {"BatchRequest": 1}}, ["body.labels.BatchRequest"]),
        ([], ["body"]),
    ],
)
def test_a_bad_submission_is_told_only_what_is_wrong_with_what_was_sent(
    body: Any, fields: list[str]
) -> None:
    with pytest.raises(ValidationError) as raised:
        submission_in(json.dumps(body).encode())

    problem = json.loads(bytes(problems.invalid(raised.value.errors(), "body").body))

    assert [each["field"] for each in problem["errors"]] == fields


@pytest.mark.parametrize(
    "raw",
    [
        b'{"kind": "k", "labels": {"tasks": "a"}}',
        b'{"tasks": [{"kind": "k"}, {"id": "a", "kind": "k"}]}',
        b' {\n  "tasks" : []}',
    ],
)
def test_what_a_body_looks_like_only_decides_what_is_tried_first(raw: bytes) -> None:
    assert submission_in(raw) == SUBMISSION.validate_json(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"tasks": [{"kind": "k"}], "kind": "k"}', b'{"tasks": [{"kind": 1}]}']
)
def test_errors_are_the_same_whatever_is_tried_first(raw: bytes) -> None:
    with pytest.raises(ValidationError) as expected:
        SUBMISSION.validate_json(raw)
    with pytest.raises(ValidationError) as raised:
        submission_in(raw)

    assert raised.value.errors() == expected.value.errors()
