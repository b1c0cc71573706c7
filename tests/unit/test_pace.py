"""A follower asks at once while little comes, and in step while much does."""

from services.kafka_log.pace import ANSWERS_AT_ONCE, ANSWERS_PER_SECOND, Pace


def test_the_answers_of_a_few_cancels_are_never_waited_for() -> None:
    pace = Pace(100.0)
    assert not any(pace.answered(100.0 + number / 1000) for number in range(ANSWERS_AT_ONCE))


def test_an_unbroken_stream_is_asked_for_in_step() -> None:
    pace, now = Pace(0.0), 0.0
    asked = 0
    while now < 10:
        now = max(now, pace.answered(now)) + 0.0005
        asked += 1
    assert abs(asked - 10 * ANSWERS_PER_SECOND) <= 2 * ANSWERS_AT_ONCE


def test_what_comes_behind_a_burst_and_a_silence_comes_at_once_again() -> None:
    pace = Pace(0.0)
    while not pace.answered(0.0):
        pass
    silence = 2 * ANSWERS_AT_ONCE / ANSWERS_PER_SECOND
    assert pace.answered(silence) == 0.0


def test_a_rest_ends_in_the_future() -> None:
    pace = Pace(5.0)
    until = [again for _ in range(4 * ANSWERS_AT_ONCE) if (again := pace.answered(5.0))]
    assert until
    assert all(again > 5.0 for again in until)
