"""What the embedded log's writer does when nobody can know whether a commit was kept."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from eventsourcing.persistence import OperationalError, StoredEvent
from eventsourcing.popo import POPOApplicationRecorder

from events.errors import LogDamaged, LogUnavailable
from events.log import Record
from events.positions import Position
from services.embedded_log.stream import Stream
from services.embedded_log.writer import Writer


class Faulty(POPOApplicationRecorder):
    """Fails when it is told to, having stored everything or nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        fault = self.faults.pop(0) if self.faults else "none"
        if fault != "nothing stored":
            super().insert_events(stored_events, **kwargs)
        if fault != "none":
            raise OperationalError("gone")
        return None


def writer_on(recorder: Faulty) -> Writer:
    clock = count()
    return Writer(
        lambda: Stream(recorder, "history", "memory"), lambda: next(clock), commit_limit_messages=2
    )


def stored(recorder: Faulty) -> list[bytes]:
    records = Stream(recorder, "history", "memory").select(
        0, recorder.max_notification_id() or 0, 99
    )
    return [record.value for record in records]


@pytest.mark.parametrize(("fault", "kept"), [("nothing stored", []), ("all stored", [b"a", b"b"])])
def test_after_a_failure_it_goes_on_where_the_log_really_ends(
    fault: str, kept: list[bytes]
) -> None:
    recorder = Faulty()
    writer = writer_on(recorder)
    recorder.faults = [fault]

    with pytest.raises(LogUnavailable, match="repeat the rest with the same event ids"):
        writer.append([b"a", b"b"])

    assert writer.append([b"c"]) == [Record(Position(0, len(kept)), b"c", 1)]
    assert stored(recorder) == [*kept, b"c"]


def test_a_failure_amid_a_large_append_keeps_what_was_committed_before() -> None:
    recorder = Faulty()
    writer = writer_on(recorder)
    recorder.faults = ["none", "nothing stored"]

    with pytest.raises(LogUnavailable):
        writer.append([b"a", b"b", b"c", b"d", b"e"])

    assert writer.end == 2
    assert writer.append([b"f"]) == [Record(Position(0, 2), b"f", 2)]
    assert stored(recorder) == [b"a", b"b", b"f"]


def test_a_file_that_ends_before_what_was_acknowledged_is_damaged() -> None:
    recorders = [Faulty(), Faulty()]
    writer = Writer(
        lambda: Stream(recorders[0], "history", "memory"), lambda: 0, commit_limit_messages=2
    )
    writer.append([b"a"])
    recorders[0].faults = ["nothing stored"]
    with pytest.raises(LogUnavailable):
        writer.append([b"b"])
    del recorders[0]

    with pytest.raises(LogDamaged, match="but 1 were acknowledged"):
        writer.append([b"b"])
