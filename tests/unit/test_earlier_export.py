"""What an export finds in the file that it is told to write."""

from pathlib import Path

import pytest

from countermand.cli.earlier_export import ROW_LIMIT_BYTES, Format, NoExport, whole_rows
from services.export import CSV_COLUMNS, csv_row

HEADER = csv_row(CSV_COLUMNS)
ROW = csv_row(("0:7", "2026-01-01", *[""] * 11, '{"reason":"two\\nlines, \\"quoted\\""}'))
LINE = b'{"position": "0:7", "event": {}}\n'
CLOSING = b'{"export": {"start": "0:0"}}\n'


@pytest.mark.parametrize(
    ("format", "there", "left"),
    [
        ("jsonl", LINE, LINE),
        ("jsonl", LINE + LINE[:9], LINE),
        ("jsonl", LINE + CLOSING, LINE),
        ("jsonl", LINE + CLOSING[:9], LINE),
        ("csv", HEADER + ROW, HEADER + ROW),
        *(("csv", HEADER + ROW + ROW[:size], HEADER + ROW) for size in (1, 20, 60, len(ROW) - 1)),
    ],
)
def test_a_row_that_was_cut_off_is_written_anew(
    tmp_path: Path, format: Format, there: bytes, left: bytes
) -> None:
    file = tmp_path / "history"
    file.write_bytes(there)

    assert whole_rows(file, format) == {0: 8}
    assert file.read_bytes() == left


@pytest.mark.parametrize(
    ("format", "there"),
    [("jsonl", b""), ("jsonl", LINE[:-1]), ("csv", b""), ("csv", HEADER[:9]), ("csv", HEADER)],
)
def test_what_holds_no_row_begins_anew(tmp_path: Path, format: Format, there: bytes) -> None:
    file = tmp_path / "history"
    file.write_bytes(there)

    assert whole_rows(file, format) == {}
    assert not file.exists()


@pytest.mark.parametrize("format", ["jsonl", "csv"])
@pytest.mark.parametrize(
    "there",
    [
        pytest.param(b"my notes", id="no line"),
        pytest.param(b"my notes\n", id="a line"),
        pytest.param(b'a "quote\nthat never ends\n', id="an open quote"),
        pytest.param(
            HEADER + ROW + b'0:8,,"' + b"and on\n" * (ROW_LIMIT_BYTES // 7 + 1), id="endless"
        ),
        pytest.param(LINE + b"[]\n", id="a list"),
        pytest.param(LINE + CLOSING + LINE, id="two exports"),
    ],
)
def test_what_no_export_has_written_stays_as_it_is(
    tmp_path: Path, format: Format, there: bytes
) -> None:
    file = tmp_path / "history"
    file.write_bytes(there)

    with pytest.raises(NoExport):
        whole_rows(file, format)
    assert file.read_bytes() == there
