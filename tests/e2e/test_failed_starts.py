"""A service that can't start says why in a line, and the next attempt lacks nothing."""

import json
import socket
from pathlib import Path

import pytest

from tests.e2e.commands import run
from tests.e2e.running import Running


def test_what_keeps_it_from_starting_is_said_without_a_traceback(folder: Path) -> None:
    in_the_way = folder / "data"
    in_the_way.write_text("a file")

    done = run(["up", "--data", str(in_the_way)])

    assert done.returncode == 5
    assert "Choose a folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "command",
    ["keys create --org a --role admin", "keys list", "keys revoke k", "regions forget b"],
)
def test_who_looks_for_a_service_in_the_wrong_folder_makes_none_there(
    folder: Path, command: str
) -> None:
    done = run([*command.split(), "--data", str(folder / "elsewhere")])

    assert done.returncode == 5
    assert f"there is no service's data in {folder / 'elsewhere'}: name its folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(folder.iterdir()) == []


def test_the_doctor_makes_nothing_either(folder: Path) -> None:
    nobody = "http://127.0.0.1:1"
    done = run(["doctor", "--json", "--data", str(folder / "elsewhere"), "--url", nobody])

    assert done.returncode == 5
    found = {each["what"]: each for each in json.loads(done.stdout)}
    assert not found["control store"]["good"]
    assert "there is no service's data in" in found["control store"]["says"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("left", ["output.sqlite", "heartbeats.sqlite", "read-models"])
def test_a_history_that_is_gone_is_not_begun_anew(folder: Path, left: str) -> None:
    data = folder / "data"
    data.mkdir()
    (data / left).touch()

    done = run(["up", "--data", str(data)])

    assert done.returncode == 5
    assert f"history.sqlite is gone from {data}, where {left} shows" in done.stderr
    assert "restore a backup" in done.stderr
    assert [path.name for path in data.iterdir()] == [left]


def test_a_rebuild_where_there_is_no_log_asks_for_the_folder_and_makes_nothing(
    folder: Path,
) -> None:
    done = run(["rebuild", "--data", str(folder / "elsewhere")])

    assert done.returncode == 5
    assert "name the folder that a service was started on" in done.stderr
    assert list(folder.iterdir()) == []


def test_the_first_key_is_shown_by_the_first_start_that_succeeds(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(["up", "--data", str(folder / "data"), "--port", port])
    assert done.returncode == 5
    assert "choose another one" in done.stderr

    running = Running(folder)
    running.start()
    try:
        with running.http() as http:
            assert http.get("/tasks").status_code == 200
    finally:
        assert running.stop() == 0


def test_settings_that_cannot_be_read_are_named_in_a_line(folder: Path) -> None:
    path = folder / "countermand.toml"
    path.write_text("[gateway\n")
    by_file = run(["up", "--config", str(path), "--data", str(folder / "data")])
    by_variable = run(
        ["up", "--data", str(folder / "data")],
        {"COUNTERMAND_EXECUTOR__MODULES": "my.handlers"},
    )

    for done, named in ((by_file, str(path)), (by_variable, "COUNTERMAND_EXECUTOR__MODULES")):
        assert done.returncode == 5
        [line] = done.stderr.splitlines()
        assert line.startswith(named)
        assert done.stdout == ""
    assert not (folder / "data").exists()
