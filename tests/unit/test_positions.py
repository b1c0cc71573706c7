"""Where an event stands, and how far somebody has come."""

import pytest

from events.positions import (
    BEGINNING,
    Position,
    after,
    covers,
    reaches,
    read_frontier,
    written_frontier,
    written_position,
)


def test_a_frontier_covers_what_is_before_it() -> None:
    frontier = {0: 3, 2: 1}

    assert covers(frontier, Position(0, 2))
    assert not covers(frontier, Position(0, 3))
    assert covers(frontier, Position(2, 0))
    assert not covers(frontier, Position(1, 0))
    assert not covers(BEGINNING, Position(0, 0))


def test_a_frontier_moves_on_and_never_back() -> None:
    moved = after({0: 5}, [Position(0, 1), Position(1, 7), Position(1, 3)])

    assert moved == {0: 5, 1: 8}
    assert all(covers(moved, each) for each in (Position(0, 1), Position(1, 7)))


def test_moving_on_leaves_the_frontier_before_as_it_was() -> None:
    before = {0: 1}

    after(before, [Position(0, 4)])

    assert before == {0: 1}


def test_a_goal_is_reached_when_every_partition_is() -> None:
    assert reaches({0: 3, 1: 1}, {0: 3})
    assert reaches({}, {})
    assert reaches({}, {4: 0})
    assert not reaches({0: 3}, {0: 3, 1: 1})
    assert not reaches({0: 2}, {0: 3})


def test_positions_sort_by_partition_and_offset_as_numbers() -> None:
    assert sorted([Position(0, 10), Position(1, 0), Position(0, 9)]) == [
        Position(0, 9),
        Position(0, 10),
        Position(1, 0),
    ]


def test_what_is_written_for_people_is_read_back() -> None:
    assert written_position(Position(3, 42)) == "3:42"
    assert written_frontier({1: 7, 0: 42}) == "0:42,1:7"
    assert read_frontier("0:42,1:7") == {0: 42, 1: 7}
    assert written_frontier(BEGINNING) == "0:0"
    assert not covers(read_frontier("0:0"), Position(0, 0))


@pytest.mark.parametrize(
    "text", ["", "0", ":", "0:", ":1", "a:1", "0:1,", "-1:0", "0:1.5", "0:" + "9" * 40]
)
def test_what_is_no_frontier_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write partition:offset, e\.g\. '0:42'"):
        read_frontier(text)


def test_a_partition_is_named_once() -> None:
    with pytest.raises(ValueError, match="names partition 0 twice"):
        read_frontier("0:1,0:2")
