"""That the benchmarks' table tells what was measured, and their exit code what was missed."""

import json

import pytest

from benchmarks.__main__ import FIGURES, main
from benchmarks.figures import Figure, Measurement, at_least, at_most, compared, in_turns
from benchmarks.histories import EVENTS_PER_TASK, messages
from events.event import decode
from events.log import message

FAST = Figure("fast: ms", "something slower", at_most(2), lambda: compared(1, 2, "ms"))
SLOW = Figure(
    "slow: events/s", "something faster", at_least(0.5), lambda: compared(1, 4, "events/s")
)


def test_it_ends_well_when_every_target_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], [FAST]) == 0

    said = capsys.readouterr().out
    assert "fast: ms" in said
    assert "beside something slower" in said
    assert "MISSED" not in said


def test_it_exits_with_1_when_a_target_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], [SLOW, FAST]) == 1

    assert capsys.readouterr().out.count("MISSED") == 1


def test_only_what_is_asked_for_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "FAST"], [SLOW, FAST]) == 0

    assert "slow" not in capsys.readouterr().out.replace("slower", "")


def test_one_figure_of_kafka_is_measured_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kafka", "fast"], [SLOW], [SLOW, FAST]) == 0

    assert "slow" not in capsys.readouterr().out.replace("slower", "")


def test_asking_for_what_isnt_there_says_what_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "nothing"], [FAST])

    assert ended.value.code == 2
    assert "fast: ms" in capsys.readouterr().err


def test_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--json"], [SLOW])

    (row,) = json.loads(capsys.readouterr().out)
    assert row.pop("seconds") >= 0
    assert [row] == [
        {
            "figure": "slow: events/s",
            "beside": "something faster",
            "measured": 1,
            "limit": 4,
            "unit": "events/s",
            "ratio": 0.25,
            "target": "at least 0.5",
            "ok": False,
            "failed": "",
        }
    ]


def test_a_figure_that_fails_says_why_and_the_others_are_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> Measurement:
        raise ValueError("no such past\nor another")

    failing = Figure("failing: ms", "nothing", at_most(1), fail)

    assert main([], [failing, FAST]) == 1

    said = capsys.readouterr().out.splitlines()
    assert any(line.endswith("FAILED: ValueError: no such past") for line in said)
    assert any(line.startswith("fast: ms") for line in said)
    assert said[-1].startswith("all of it took")


def test_rounds_are_compared_in_pairs_after_one_that_warms_up() -> None:
    measured = iter([1000.0, 1.0, 20.0, 300.0])
    limits = iter([1.0, 1.0, 10.0, 100.0])

    result = in_turns(lambda: next(measured), lambda: next(limits), "ms", rounds=3)

    assert result == (20.0, 10.0, "ms", 2.0)


def test_no_two_figures_share_a_name() -> None:
    names = [figure.name for figure in FIGURES]

    assert len(set(names)) == len(names)


def test_the_histories_are_what_would_have_been_encoded() -> None:
    made = list(messages(200))

    assert len(made) == 200 * EVENTS_PER_TASK
    for one in made:
        assert (one.key, one.value) == message(decode(one.value))[:2]
    assert len({decode(one.value).id for one in made}) == len(made)
