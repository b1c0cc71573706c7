"""What the dialects share: templates, times, ids that show who made them, who stopped what."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from events.ids import is_marked, marked
from services.gateway.dialects.moments import microseconds, milliseconds, nanoseconds
from services.templates import MissingValue, filled, value_at

MOMENT = datetime(2026, 5, 13, 10, 12, 4, 123450, tzinfo=UTC)


def test_times_are_written_as_each_system_writes_them() -> None:
    assert milliseconds(MOMENT) == "2026-05-13T10:12:04.123Z"
    assert microseconds(MOMENT) == "2026-05-13T10:12:04.123450Z"
    assert nanoseconds(MOMENT) == "2026-05-13T10:12:04.12345Z"
    assert nanoseconds(MOMENT.replace(microsecond=0)) == "2026-05-13T10:12:04Z"
    there = MOMENT.astimezone(timezone(timedelta(hours=5)))
    assert milliseconds(there) == milliseconds(MOMENT)


def test_a_hole_takes_a_value_as_it_is_and_within_a_text_as_text() -> None:
    values = {"request": {"seconds": 5, "names": ["a", "b"], "deep": {"x": None}}}
    template = {
        "seconds": "${request.seconds}",
        "says": "for ${request.seconds} s: ${request.names}",
        "second": ["${request.names.1}"],
        "nothing": "${request.deep.x}",
        "fixed": 7,
    }
    assert filled(template, values) == {
        "seconds": 5,
        "says": 'for 5 s: ["a", "b"]',
        "second": ["b"],
        "nothing": None,
        "fixed": 7,
    }


def test_what_a_template_needs_and_is_not_there_is_named() -> None:
    for path in ("request.missing", "request.names.2", "request.seconds.x", "other"):
        with pytest.raises(MissingValue, match=path):
            value_at(path, {"request": {"seconds": 5, "names": ["a", "b"]}})


def test_what_fills_a_text_can_be_escaped_and_is_never_filled_again() -> None:
    filled_in = filled("/runs/${id}", {"id": "${id}/../x"}, lambda text: text.replace("/", "%2F"))
    assert filled_in == "/runs/${id}%2F..%2Fx"


def test_an_id_shows_whether_a_service_made_it() -> None:
    for _ in range(100):
        id = uuid4()
        assert is_marked(str(marked(id)))
        assert marked(id).version == id.version
        assert not is_marked(str(id)) or marked(id) == id
    assert not is_marked("import-7")
    assert not is_marked(str(marked(uuid4())).upper().replace("-", ""))
