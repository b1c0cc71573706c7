"""Data taken out and in over real HTTP and by real commands: exports, imports, backups."""

import csv
import hashlib
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from countermand.client import CLOSING, SyncClient
from services.export_closing import Counted
from tests.e2e.asking import LATER
from tests.e2e.commands import run
from tests.e2e.problems import refused
from tests.e2e.running import Running

TASKS = 60


@pytest.fixture(scope="module")
def full(service: Running) -> Running:
    """A service with a history, some of it a stranger's."""
    with service.http() as http:
        tasks = [{"id": f"x-{n}", "kind": "sleep", "not_before": LATER} for n in range(TASKS)]
        tasks[7]["description"] = 'a "quoted"\r\nline, and another'
        assert http.post("/tasks", json={"tasks": tasks}).status_code == 201
        for n in range(10):
            assert http.post(f"/tasks/x-{n}/cancel", json={}).status_code == 200
    with service.http(service.new_key("strangers", "admin")) as http:
        body = {"id": "theirs", "kind": "sleep", "not_before": LATER}
        assert http.post("/tasks", json=body).status_code == 201
    return service


@pytest.fixture
def http(full: Running) -> Iterator[httpx.Client]:
    with full.http() as client:
        yield client


def stored(data: Path) -> list[bytes]:
    with closing(sqlite3.connect(data / "history.sqlite")) as log:
        rows = log.execute("SELECT state FROM stored_events ORDER BY originator_version")
        return [value for (value,) in rows]


def exported(http: httpx.Client, **query: Any) -> httpx.Response:
    answer = http.get("/export", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def lines_in(answer: httpx.Response) -> list[bytes]:
    """Without the closing one."""
    *lines, closing = answer.content.splitlines(keepends=True)
    said = json.loads(closing)["export"]
    assert said["lines"] == len(lines)
    assert said["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert said["end"] == answer.headers["countermand-end"]
    return lines


def test_an_export_holds_every_line_with_the_logs_own_bytes(
    full: Running, http: httpx.Client
) -> None:
    answer = exported(http)
    assert answer.headers["content-type"].startswith("application/jsonl")
    (partition, end) = map(int, answer.headers["countermand-end"].split(":"))
    values = {text.partition(b', "event": ')[2][:-2] for text in lines_in(answer)}
    of_mine = [value for value in stored(full.data)[:end] if b'"organization":"default"' in value]
    assert partition == 0
    assert values == set(of_mine)
    assert len(values) > TASKS
    assert b"theirs" not in answer.content


def test_a_part_that_was_cut_off_goes_on_to_the_same_end(http: httpx.Client, folder: Path) -> None:
    whole = exported(http)
    end = whole.headers["countermand-end"]
    lines = lines_in(whole)
    half = json.loads(lines[30])["position"]
    offset = int(half.partition(":")[2])
    assert http.post("/tasks", json={"kind": "sleep", "not_before": LATER}).status_code == 201
    rest = exported(http, start=f"0:{offset + 1}", end=end)
    assert lines[:31] + lines_in(rest) == lines
    file = folder / "both"
    file.write_bytes(b"".join(lines[:31]) + rest.content)
    done = run(["import", str(file), "--data", str(folder / "data")])
    assert done.returncode == 0, done.stderr
    file.write_bytes(b"".join(lines[:30]) + rest.content)
    done = run(["import", str(file), "--data", str(folder / "other")])
    assert done.returncode == 1
    assert f"goes on from 0:{offset + 1}, but they end at 0:" in done.stderr


def test_csv_holds_the_same_events_and_goes_on_without_its_header(http: httpx.Client) -> None:
    lines = [json.loads(text) for text in lines_in(exported(http, task="x-7"))]
    answer = exported(http, task="x-7", format="csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [json.loads(row["event"]) for row in rows] == [line["event"] for line in lines]
    assert [row["verdict"] for row in rows] == [line["verdict"] for line in lines]
    rest = exported(http, task="x-7", format="csv", start=answer.headers["countermand-end"])
    assert rest.text == ""


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"format": "xml"}, id="unknown_format"),
        pytest.param({"start": "here"}, id="no_frontier"),
        pytest.param({"end": "0:999999999"}, id="beyond_the_end"),
        pytest.param({"actor": "ann"}, id="no_kind_of_actor"),
    ],
)
def test_a_bad_export_is_refused(http: httpx.Client, query: dict[str, str]) -> None:
    refused(http.get("/export", params=query), 422, "invalid")


def test_who_may_only_look_may_not_export(full: Running) -> None:
    with full.http(full.new_key("default", "auditor")) as http:
        refused(http.get("/export"), 403, "forbidden")


def test_the_client_exports_row_by_row(full: Running) -> None:
    with SyncClient(full.url, full.key) as client:
        rows = list(client.export(format="csv", task="x-7"))
        *lines, closing = client.export(task="x-7")
    assert rows[0].position is None
    assert closing.data.startswith(CLOSING)
    assert [row.position for row in rows[1:]] == [line.position for line in lines]
    assert all(line.data.endswith(b"}\n") for line in lines)


def environment(service: Running) -> dict[str, str]:
    return {"COUNTERMAND_URL": service.url, "COUNTERMAND_KEY": service.key}


def test_an_exported_history_becomes_a_log_that_says_the_same(full: Running, folder: Path) -> None:
    file = folder / "history.jsonl"
    export = ["export", str(file)]
    assert run(export, environment(full)).returncode == 0
    half = file.read_bytes()[: file.stat().st_size // 2]
    whole = file.read_bytes()
    file.write_bytes(half)
    assert run(export, environment(full)).returncode == 0
    assert file.read_bytes() == whole
    data = folder / "data"
    arguments = ["import", str(file), "--data", str(data), "--json"]
    done = run(arguments)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    *lines, _ = whole.splitlines(keepends=True)
    values = [text.partition(b', "event": ')[2][:-2] for text in lines]
    assert stored(data) == values
    assert said["events"] == len(values)
    again = run(arguments)
    assert again.returncode == 1
    assert "is there already" in again.stderr

    imported = Running(folder)
    imported.start()
    try:
        with imported.http() as there, full.http() as here:
            for task_id in ("x-3", "x-20"):
                one, other = (each.get(f"/tasks/{task_id}").json() for each in (there, here))
                assert {**one, "position": ""} == {**other, "position": ""}
            assert there.get("/export").headers["countermand-end"] != ""
    finally:
        assert imported.stop() == 0


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(lambda lines: [lines[1], lines[0]], "line 2", id="out_of_order"),
        pytest.param(lambda lines: [lines[0], lines[0]], "line 2", id="twice"),
        pytest.param(lambda lines: [lines[0], lines[1][:-9] + b"\n"], "line 2", id="cut_line"),
        pytest.param(lambda lines: [lines[0], b"{}\n"], "line 2", id="something_else"),
        pytest.param(
            lambda lines: [lines[0].replace(b"submitted.v1", b"submitted.v77")], "v77", id="newer"
        ),
    ],
)
def test_a_spoilt_export_is_refused_and_nothing_is_imported(
    http: httpx.Client, folder: Path, spoil: Any, why: str
) -> None:
    file, data = folder / "spoilt", folder / "data"
    spoilt, counted = spoil(lines_in(exported(http))), Counted()
    counted.add(b"".join(spoilt))
    file.write_bytes(b"".join(spoilt) + counted.closing("0:0", "0:9"))
    done = run(["import", str(file), "--data", str(data)])
    assert done.returncode == 1
    assert why in done.stderr
    assert {path.name for path in data.iterdir()} == {"history.sqlite.lock"}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(lambda lines: lines[:-1], "was cut", id="closing_line"),
        pytest.param(lambda lines: lines[:-9], "was cut", id="lines"),
        pytest.param(lambda lines: [*lines, lines[-1][:9]], "was cut", id="begun_anew"),
        pytest.param(lambda lines: [*lines[:5], *lines[6:]], "aren't those", id="one_amid"),
        pytest.param(lambda lines: [*lines, *lines], "not a whole line", id="twice"),
        pytest.param(lambda lines: [], "was cut", id="everything"),
    ],
)
def test_an_export_that_lacks_lines_is_refused_and_nothing_is_imported(
    http: httpx.Client, folder: Path, spoil: Any, why: str
) -> None:
    file, data = folder / "cut", folder / "data"
    file.write_bytes(b"".join(spoil(exported(http).content.splitlines(keepends=True))))
    done = run(["import", str(file), "--data", str(data)])
    assert done.returncode == 1
    assert why in done.stderr
    assert {path.name for path in data.iterdir()} == {"history.sqlite.lock"}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        pytest.param({"task": "x-7"}, "with filters (task=x-7)", id="filters"),
        pytest.param({"verdict": "void"}, "with filters (verdict=void)", id="by_verdict"),
        pytest.param({"start": "0:9"}, "begins at 0:9: what was before it", id="a_later_part"),
        pytest.param({"format": "csv"}, "is an export as CSV", id="csv"),
    ],
)
def test_what_is_no_whole_history_is_not_imported_as_one(
    http: httpx.Client, folder: Path, query: dict[str, str], why: str
) -> None:
    file = folder / "part"
    file.write_bytes(exported(http, **query).content)
    done = run(["import", str(file), "--data", str(folder / "data")])
    assert done.returncode == 1
    assert why in done.stderr
    assert "Nothing was imported" in done.stderr
    assert "was cut" not in done.stderr
    assert not (folder / "data" / "history.sqlite").exists()


def test_a_file_of_somebody_else_is_no_export_that_was_cut(folder: Path) -> None:
    (folder / "notes").write_text("my notes\n")
    done = run(["import", str(folder / "notes"), "--data", str(folder / "data")])
    assert done.returncode == 1
    assert "notes is no export" in done.stderr


def test_the_command_counts_events_and_tells_an_import_of_its_filters(
    full: Running, folder: Path
) -> None:
    rows = []
    for format in ("jsonl", "csv"):
        words = ["export", str(folder / format), "--task", "x-7", "--format", format, "--json"]
        rows.append(json.loads(run(words, environment(full)).stdout)["rows"])
    assert rows[0] == rows[1] == (folder / "jsonl").read_bytes().count(b"\n") - 1
    done = run(["import", str(folder / "jsonl"), "--data", str(folder / "data")])
    assert "was exported with filters (task=x-7)" in done.stderr


def test_an_export_goes_on_with_the_same_filters_only(full: Running, folder: Path) -> None:
    for name, first in (("of-all", []), ("of-one", ["--task", "x-7"])):
        file = folder / name
        assert run(["export", str(file), *first], environment(full)).returncode == 0
        whole = file.read_bytes()
        others = [["--task", "x-8"], ["--task", "x-7", "--verdict", "void"], []]
        for other in others if first else others[:2]:
            for there in (whole, whole[: len(whole) // 2]):
                file.write_bytes(there)
                done = run(["export", str(file), *other], environment(full) | {"COLUMNS": "300"})
                assert done.returncode == 2
                assert "was begun with other filters" in done.stderr
                assert file.read_bytes() == there
        assert run(["export", str(file), *first], environment(full)).returncode == 0
        assert file.read_bytes() == whole


def test_a_backup_of_a_running_service_is_restored_whole(full: Running, folder: Path) -> None:
    target, data = folder / "backup", folder / "data"
    before = stored(full.data)
    make = ["backup", str(target), "--data", str(full.data), "--json"]
    done = run(make)
    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    assert manifest["events"] >= len(before)
    assert run(make).returncode == 1
    put_back = ["restore", str(target), "--data", str(data)]
    done = run(put_back, {"COUNTERMAND_GATEWAY__PORT": "8799", "COLUMNS": "300"})
    assert done.returncode == 0, done.stderr
    differing = {line for line in done.stdout.splitlines() if line.startswith("setting ")}
    assert differing == {
        'setting log_format was "json" when the backup was made, and is "console" here',
        "setting gateway.port was 0 when the backup was made, and is 8799 here",
    }
    assert stored(data)[: len(before)] == before
    for made in (target, data):
        assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o600}
        assert made.stat().st_mode & 0o777 == 0o700
    assert run(put_back).returncode == 1

    restored = Running(folder)
    restored.start()
    restored.key = full.key
    try:
        with restored.http() as http:
            assert http.get("/tasks/x-3").json()["evidence"] == "never_started"
            assert http.post("/tasks/x-30/cancel", json={}).json()["verdict"] == "effective"
    finally:
        assert restored.stop() == 0
    with full.http() as http:
        assert http.get("/tasks/x-30").json()["status"] == "pending"


def test_a_settings_file_is_backed_up_and_used_where_it_is_restored(
    full: Running, folder: Path
) -> None:
    config, target, data = folder / "mine.toml", folder / "backup", folder / "data"
    config.write_text('log_format = "json"\n[gateway]\nport = 0\n')
    make = ["backup", str(target), "--data", str(full.data), "--config", str(config)]
    assert run(make).returncode == 0
    done = run(["restore", str(target), "--data", str(data), "--json"])
    assert json.loads(done.stdout)["differing_settings"] == []
    kept = data / "countermand.toml"
    assert kept.read_bytes() == config.read_bytes()
    kept.write_text('log_format = "json"\n[gateway]\nport = 8700\n')
    more = ["--data", str(folder / "other"), "--config", str(kept), "--json"]
    done = run(["restore", str(target), *more])
    assert json.loads(done.stdout)["differing_settings"] == [
        {"name": "gateway.port", "then": 0, "now": 8700}
    ]


def test_a_backup_whose_bytes_have_changed_isnt_restored(full: Running, folder: Path) -> None:
    target, data = folder / "backup", folder / "data"
    make = ["backup", str(target), "--data", str(full.data)]
    assert run(make).returncode == 0
    with (target / "history.sqlite").open("r+b") as file:
        file.seek(-100, io.SEEK_END)
        file.write(uuid4().bytes)
    put_back = ["restore", str(target), "--data", str(data)]
    done = run(put_back)
    assert done.returncode == 1
    assert "isn't as it was" in done.stderr
    (target / "manifest.json").unlink()
    done = run(put_back)
    assert done.returncode == 1
    assert "no whole backup" in done.stderr
    assert not data.exists()


def test_keys_of_secrets_stay_out_of_a_backup_unless_they_are_wanted(
    full: Running, folder: Path
) -> None:
    with full.http() as http:
        body = {"kind": "sleep", "not_before": LATER, "secrets": {"token": "s3cret"}}
        assert http.post("/tasks", json=body).status_code == 201
    for name, more, kept in (("without", [], 0), ("with", ["--with-secret-keys"], 1)):
        target = folder / name
        arguments = ["backup", str(target), "--data", str(full.data), *more]
        assert run(arguments).returncode == 0
        with closing(sqlite3.connect(target / "control.sqlite")) as control:
            ((keys,),) = control.execute("SELECT count(*) FROM secret_keys")
        assert bool(keys) == bool(kept)
