"""What was said of an event once is said of it for ever: golden histories pin every verdict."""

from pathlib import Path

import pytest

from events.event import decode, encode
from events.words import Evidence, ProjectStatus, Reason, Status
from tests.builders.folding import the_fold
from tests.golden.pinned import HISTORIES, events_of, read, replayed
from tests.golden.stories import stories
from tests.properties.graphs import small_graphs

GOLDEN = sorted(HISTORIES.glob("*.jsonl"))
HOW = "add a story to tests/golden/stories.py, run `python -m tests.golden.write`"

NOT_PINNED = {
    Reason.MALFORMED,  # said of bytes, which evolve never sees
    Reason.TOO_MANY_HELD,  # takes a thousand events: tests/unit/test_tombstones.py
}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_history_gets_the_verdicts_it_got(path: Path) -> None:
    pinned = read(path)

    said = list(replayed([decode(each.raw) for each in pinned], the_fold))

    assert said == [each.told for each in pinned]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_bytes_in_a_golden_history_are_canonical(path: Path) -> None:
    assert [encode(event) for event in events_of(path)] == [each.raw for each in read(path)]


def test_every_story_is_written() -> None:
    assert {name for name, _ in stories()} <= {path.stem for path in GOLDEN}, HOW


def test_every_reason_is_pinned() -> None:
    pinned = {each.told["reason"] for path in GOLDEN for each in read(path)}

    assert {str(reason) for reason in Reason if reason not in NOT_PINNED} <= pinned, HOW


def test_everything_that_can_be_said_of_an_event_is_pinned() -> None:
    """Each verdict with each reason that the state graphs find, for each event."""
    pinned = {
        (type(event.data).__name__, each.told["verdict"], each.told["reason"])
        for path in GOLDEN
        for each, event in zip(read(path), events_of(path), strict=True)
    }

    for graph in small_graphs():
        found = {(body.__name__, verdict, reason) for body, verdict, reason in graph.said}
        assert found - pinned == set(), HOW


def test_every_status_and_evidence_is_pinned() -> None:
    told = [each.told for path in GOLDEN for each in read(path)]
    statuses = {status for each in told for status in each["changed"].values()}
    evidence = {each for one in told for each in one["evidence"].values()}

    assert statuses == {str(each) for each in (*Status, *ProjectStatus)}
    assert evidence == {str(each) for each in Evidence}
