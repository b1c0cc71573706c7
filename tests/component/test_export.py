"""The history as a file: every line, the log's own bytes, in constant memory."""

import csv
import io
import json
import tracemalloc
from pathlib import Path

from events.event import Event, encode
from events.log import Record
from events.positions import Position, written_position
from events.words import Verdict
from services.export import CSV_COLUMNS, as_csv, as_json_lines
from services.exported import lines_of
from services.read_models.questions import HistoryFilter
from services.read_models.rows import HistoryLine
from tests.builders import a_task
from tests.read_side import written
from tests.recorded import judged, records


async def test_json_lines_hold_every_line_with_the_logs_own_bytes(tmp_path: Path) -> None:
    told = records(40, 400, partitions=2)
    values = {record.position: record.value for record in told}
    models = written(tmp_path, judged(told))
    view = models.of("acme")
    lines: list[HistoryLine] = list((await view.history(limit=1000)).rows)
    exported = b"".join([chunk async for chunk in as_json_lines(view)]).splitlines()
    assert len(exported) == len(lines) > 100
    for line, text in zip(lines, exported, strict=True):
        said = json.loads(text)
        assert said["position"] == written_position(line.position)
        assert said["verdict"] == line.verdict
        assert text.endswith(b', "event": ' + values[line.position] + b"}")
    await models.close()


async def test_csv_holds_the_same_lines(tmp_path: Path) -> None:
    models = written(tmp_path, judged(records(41, 300)))
    view = models.of("acme")
    text = b"".join([chunk async for chunk in as_csv(view)]).decode()
    header, *rows = csv.reader(io.StringIO(text))
    assert header == list(CSV_COLUMNS)
    lines = (await view.history(limit=1000)).rows
    assert len(rows) == len(lines)
    for line, row in zip(lines, rows, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["event"].encode() == line.value
        assert cells["status"] == (line.status or "")
        assert line.event is not None
        assert cells["actor_id"] == line.event.data.actor.id
    await models.close()


async def test_an_event_that_was_laid_out_in_lines_stays_in_one(tmp_path: Path) -> None:
    canonical = encode(a_task("t", payload={"text": "two\r\nlines"}).events[0])
    laid_out = json.dumps(json.loads(canonical), indent=1).replace("\n", "\r\n").encode()
    told = [Record(Position(0, n), value, 1) for n, value in enumerate((laid_out, canonical))]
    models = written(tmp_path, judged(told))
    exported = b"".join([chunk async for chunk in as_json_lines(models.of("acme"))])
    lines = list(lines_of(io.BytesIO(exported), "exported"))
    assert [json.loads(line.value) for line in lines] == [json.loads(canonical)] * 2
    assert lines[1].value == canonical
    await models.close()


async def test_no_cell_of_a_csv_is_a_formula(tmp_path: Path) -> None:
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]
    told = [
        Record(Position(0, number), encode(by(name, a_task(f"t{number}").events[0])), 1)
        for number, name in enumerate(names)
    ]
    models = written(tmp_path, judged(told))
    text = b"".join([chunk async for chunk in as_csv(models.of("acme"))]).decode()
    _, *rows = csv.reader(io.StringIO(text, newline=""))
    assert [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r\n"))] == []
    actor_id = CSV_COLUMNS.index("actor_id")
    assert [row[actor_id] for row in rows] == [f"'{name}" for name in names]
    assert [json.loads(row[-1])["data"]["actor"]["id"] for row in rows] == names
    await models.close()


def by(name: str, event: Event) -> Event:
    actor = event.data.actor.model_copy(update={"id": name})
    return event.model_copy(update={"data": event.data.model_copy(update={"actor": actor})})


async def test_an_export_may_be_filtered(tmp_path: Path) -> None:
    models = written(tmp_path, judged(records(42, 300)))
    where = HistoryFilter(verdict=Verdict.EFFECTIVE)
    exported = b"".join([chunk async for chunk in as_json_lines(models.of("acme"), where)])
    verdicts = {json.loads(text)["verdict"] for text in exported.splitlines()}
    assert verdicts == {"effective"}
    await models.close()


async def test_memory_stays_the_same_however_much_there_is(tmp_path: Path) -> None:
    payload = {"text": "x" * 1000}
    told = [
        Record(Position(0, number), encode(a_task(f"t{number}", payload=payload).events[0]), 1)
        for number in range(3000)
    ]
    models = written(tmp_path, judged(told))
    peaks = []
    tracemalloc.start()
    for rows in (500, 3000):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        async for chunk in as_json_lines(models.of("acme")):
            rows -= chunk.count(b"\n")
            if rows <= 0:
                break
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
    await models.close()
