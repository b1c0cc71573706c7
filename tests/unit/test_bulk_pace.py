"""How fast a cancel of many goes, by a clock that is set."""

from dataclasses import dataclass

import pytest

from services.bulk_pace import (
    CATCH_UP_SECONDS,
    OTHERS_SECONDS,
    TASKS_BESIDE_OTHERS,
    Pace,
)


@dataclass
class Moment:
    """The clock, and how often others have asked."""

    now: float = 100.0
    asked: int = 0

    def pace(self, per_second: float = 1000, step_tasks: int = 32) -> Pace:
        return Pace(per_second, step_tasks, lambda: self.asked, lambda: self.now)

    def after_a_step(self, pace: Pace, took_seconds: float) -> tuple[int, float]:
        """How many tasks it had, and for how long the next one waits."""
        tasks = pace.size()
        self.now += took_seconds
        return tasks, max(pace.end(tasks) - self.now, 0)


@pytest.fixture
def moment() -> Moment:
    return Moment()


def test_a_step_waits_for_what_is_left_of_its_time(moment: Moment) -> None:
    assert moment.after_a_step(moment.pace(), 0.002) == pytest.approx((32, 0.030))


def test_a_slow_pace_is_kept_by_small_steps(moment: Moment) -> None:
    assert moment.after_a_step(moment.pace(per_second=100), 0.0) == pytest.approx((5, 0.05))
    assert moment.after_a_step(moment.pace(per_second=0.5), 0.0) == pytest.approx((1, 2.0))


def test_a_long_step_is_made_up_for_by_a_short_one(moment: Moment) -> None:
    pace = moment.pace()
    assert moment.after_a_step(pace, 0.050) == pytest.approx((32, 0))
    assert moment.after_a_step(pace, 0.010) == pytest.approx((32, 0.004))


def test_what_is_later_than_that_stays_late(moment: Moment) -> None:
    pace = moment.pace()
    moment.after_a_step(pace, 10)
    done, began = 0, moment.now
    while True:
        tasks, wait = moment.after_a_step(pace, 0.001)
        done += tasks
        if wait:
            break
    assert done <= (moment.now - began + CATCH_UP_SECONDS) * 1000 + 32


def test_beside_others_steps_are_small_and_every_other_moment_is_theirs(moment: Moment) -> None:
    pace = moment.pace(per_second=1_000_000)
    moment.asked += 1
    assert moment.after_a_step(pace, 0.004) == pytest.approx((TASKS_BESIDE_OTHERS, 0.004))


def test_who_asks_during_a_step_has_the_moment_after_it(moment: Moment) -> None:
    pace = moment.pace(per_second=1_000_000)
    pace.size()
    moment.now += 0.004
    moment.asked += 1
    assert pace.end(32) - moment.now == pytest.approx(0.004)


def test_others_are_expected_for_a_while_after_one_of_them(moment: Moment) -> None:
    pace = moment.pace(per_second=1_000_000)
    moment.asked += 1
    assert pace.size() == TASKS_BESIDE_OTHERS
    moment.now += OTHERS_SECONDS / 2
    assert pace.size() == TASKS_BESIDE_OTHERS
    moment.now += OTHERS_SECONDS
    assert pace.size() == 32
