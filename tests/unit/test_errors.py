"""Errors say what happened and what to do next, and carry the facts as attributes."""

import pytest

from events import errors
from events.errors import (
    CountermandError,
    EventTooLarge,
    InvalidId,
    MalformedEvent,
    UnknownVersion,
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            InvalidId("a b", "use letters"),
            "'a b' is not a valid id: use letters",
        ),
        (
            MalformedEvent("data.attempt: Field required"),
            "not a Countermand event: data.attempt: Field required",
        ),
        (
            UnknownVersion("countermand.task.started.v2"),
            "event type 'countermand.task.started.v2' is unknown to this release: upgrade this "
            "process before it goes on with this partition (readers are upgraded before writers)",
        ),
        (
            EventTooLarge(1_000_001, 1_000_000),
            "the event is 1000001 bytes, the log takes 1000000: store the data elsewhere and put "
            "its address into the payload",
        ),
    ],
)
def test_an_error_says_what_happened_and_what_to_do(error: CountermandError, text: str) -> None:
    assert str(error) == text


def test_every_error_of_the_language_has_the_one_base() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type)]

    assert len(classes) > 5
    assert all(issubclass(each, CountermandError) for each in classes)
    assert all(each.__doc__ for each in classes)


def test_a_long_id_is_not_repeated_whole() -> None:
    assert len(str(InvalidId("x" * 10_000, "too long"))) < 200
