"""Ids of tasks and projects: what is well formed, and what follows from one. Ids of events."""

from copy import copy
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from events.errors import InvalidId
from events.ids import (
    DEPTH_LIMIT,
    LIMIT_CHARACTERS,
    NAMESPACE,
    above,
    check_id,
    derived_id,
    event_id,
    is_at_or_below,
    log_key,
    root_of,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["a", "7", "import-7.step-2", "A_b-C.d", "a" * LIMIT_CHARACTERS, ".".join("a" * DEPTH_LIMIT)],
)
def test_a_well_formed_id_is_taken_as_it_is(text: str) -> None:
    assert check_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "-a",
        "_a",
        "a.-b",
        "a b",
        "a/b",
        "a\n",
        "\na",
        "ä",
        "a\x00",
        "a" * (LIMIT_CHARACTERS + 1),
        ".".join("a" * (DEPTH_LIMIT + 1)),
        "a٣",
    ],
)
def test_what_is_not_well_formed_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(InvalidId, match="is not a valid id: ") as refused:
        check_id(text)

    assert refused.value.text == text


def test_the_root_and_what_is_above_follow_from_an_id() -> None:
    assert [root_of("a"), root_of("a.b"), root_of("a.b.c")] == ["a", "a", "a"]
    assert [above("a"), above("a.b"), above("a.b.c")] == [None, "a", "a.b"]


def test_what_is_below_begins_with_whole_segments() -> None:
    assert is_at_or_below("a", "a")
    assert is_at_or_below("a.b", "a")
    assert not is_at_or_below("ab", "a")
    assert not is_at_or_below("a", "a.b")


def test_no_two_organizations_share_a_key() -> None:
    assert log_key("acme", "a") == "acme/a"
    assert len({log_key(org, root) for org in ("a", "a-b", "b") for root in ("a", "b-b")}) == 6


def test_event_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    first, second = event_id(NOW, 2**74 - 1), event_id(NOW + timedelta(milliseconds=1), 0)

    assert (first.version, first.variant) == (7, UUID(int=0b10 << 62).variant)
    assert first < second
    assert first.int >> 80 == int(NOW.timestamp() * 1000)
    usual = UUID(str(first))
    assert (first, hash(first), repr(first)) == (usual, hash(usual), repr(usual))
    assert first.is_safe is usual.is_safe
    assert copy(first) == usual


def test_event_ids_keep_all_their_randomness() -> None:
    bits = [event_id(NOW, 1 << bit) for bit in range(74)]

    assert len({*bits, event_id(NOW, 0)}) == 75
    assert {each.version for each in bits} == {7}
    assert event_id(NOW, 1 << 74) == event_id(NOW, 0)


def test_derived_ids_meet_and_never_change() -> None:
    assert derived_id("deadline", "t", 1) == derived_id("deadline", "t", 1)
    assert derived_id("deadline", "t", 1) != derived_id("deadline", "t", 2)
    assert derived_id("ab", "c") != derived_id("a", "bc")
    assert UUID("5b7a0a3e-6f0b-5c0e-9d57-0f7c1d9f3a11") == NAMESPACE
    assert derived_id("deadline", "t", 1) == UUID("cab9b9b1-73fb-5735-98fb-f2a6c4875586")


@pytest.mark.parametrize("cause", ["", "deadline", "ünïcode", "x" * 1_000])
def test_derived_ids_are_those_of_every_other_uuid5(cause: str) -> None:
    assert derived_id(cause) == uuid5(NAMESPACE, cause)
    assert derived_id(cause).version == 5
