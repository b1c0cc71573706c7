"""What should never be in the log is counted, and said with its place but not its content."""

from collections.abc import Iterable, Iterator

import pytest
from structlog.testing import capture_logs

from events.event import encode
from events.log import Record
from events.positions import Position
from events.words import Evidence
from projections.entry import Entry, decoded
from projections.memory import Memory
from services.telemetry.metrics import Metrics, Sources
from services.telemetry.oddities import Oddities
from tests.builders import History, a_task


def judged(values: Iterable[bytes]) -> Iterator[Entry]:
    memory = Memory()
    for offset, value in enumerate(values):
        one = decoded(Record(Position(3, offset), value, 0))
        memory.recall(one.key)
        yield memory.enter(one)


def said(history: History) -> list[bytes]:
    return [encode(event) for event in history.events]


def test_malformed_records_are_counted_and_said_in_one_line() -> None:
    oddities = Oddities()
    entries = list(judged([*said(a_task().started()), b"secret-1", b"secret-2"]))

    with capture_logs() as lines:
        oddities.entered(entries)

    assert oddities.malformed == 2
    assert [(line["records"], line["first"]) for line in lines] == [(2, "3:2")]
    assert "secret" not in str(lines)


@pytest.mark.parametrize(
    ("history", "contradictions"),
    [
        pytest.param(a_task().started().cancel_requested().lost(), 0, id="silence"),
        pytest.param(a_task().started().cancel_requested().lost().completed(), 1, id="a result"),
        pytest.param(
            a_task().started().cancel_requested().lost().cancelled(Evidence.KILLED),
            0,
            id="killed indeed",
        ),
        pytest.param(a_task().started().lost().completed(), 0, id="a zombie, nothing presumed"),
    ],
)
def test_words_after_presumed_are_counted_and_name_the_task(
    history: History, contradictions: int
) -> None:
    oddities = Oddities()

    with capture_logs() as lines:
        oddities.entered(list(judged(said(history))))

    assert oddities.contradictions == contradictions
    assert [line["task"] for line in lines] == ["task"] * contradictions


def test_monitoring_sees_both_from_the_start() -> None:
    oddities = Oddities()
    metrics = Metrics(Sources(oddities=oddities))
    assert b"countermand_malformed_records_total 0.0" in metrics.text("")[0]

    oddities.entered(list(judged([b"junk"])))

    shown = metrics.text("")[0]
    assert b"countermand_malformed_records_total 1.0" in shown
    assert b"countermand_contradictions_total 0.0" in shown
