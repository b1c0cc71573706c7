"""Every command as somebody types it, on a real service: answers, JSON, progress, exit codes."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from countermand.cli.exits import Exit
from tests.e2e.asking import LATER, running, submitted, waiting
from tests.e2e.commands import begin_heard, run
from tests.e2e.running import Running

ON_A_TERMINAL = {"TTY_COMPATIBLE": "1", "COLUMNS": "200"}
FOREVER = ("--payload", '{"seconds": 600}')


def environment(service: Running) -> dict[str, str]:
    return {
        "COUNTERMAND_URL": service.url,
        "COUNTERMAND_KEY": service.key,
        "COUNTERMAND_DATA": str(service.data),
    }


# ── what they show ────────────────────────────────────────────────────────────────────────────────


def test_a_watch_shows_what_is_said_as_it_is_said_and_ends_with_the_task(
    service: Running, folder: Path
) -> None:
    with service.http() as http:
        task_id = running(http)
        watching, lines = begin_heard(
            ["watch", task_id, "--json"], folder / "err", environment(service)
        )
        with lines:
            said = map(json.loads, lines)
            first = next(each for each in said if each["status"] == "running")
            assert http.post(f"/tasks/{task_id}/cancel", json={}).status_code == 200
            rest = list(said)
    assert watching.wait() == Exit.DONE
    assert rest[-1]["status"] == "cancelled"
    assert rest[-1]["event"]["type"] == "countermand.task.cancelled.v1"
    assert all(each["cursor"] for each in (first, *rest))
    # An ended one is told as far as it came, for people.
    shown = service.run("watch", task_id, "--after", first["cursor"])
    assert "cancel requested  effective  cancelling" in shown
    assert "evidence: acknowledged" in shown


def test_a_replay_shows_the_state_after_each_event(service: Running) -> None:
    with service.http() as http:
        task_id = waiting(http)
        http.post(f"/tasks/{task_id}/cancel", json={})
    said = service.run("replay", task_id, "--json").splitlines()
    states = [json.loads(line) for line in said]
    # An executor may have closed the history by now.
    assert [each["task"]["status"] for each in states][:2] == ["pending", "cancelled"]
    assert states[1]["task"]["position"] == states[1]["position"]
    submitted, cancelled, *_ = service.run("replay", task_id, "--speed", "1000").splitlines()
    assert "task submitted: pending attempt 1" in submitted
    assert "cancel requested: cancelled attempt 1, evidence never_started" in cancelled


@pytest.mark.parametrize(
    ("what", "member"), [("events", "countermand.task.submitted.v1"), ("asyncapi", "channels"),
                         ("api", "paths")],
)  # fmt: skip
def test_a_schema_is_json(what: str, member: str) -> None:
    done = run(["schema", what, "--json"])
    assert done.returncode == Exit.DONE
    assert member in json.loads(done.stdout)
    assert len(done.stdout.splitlines()) == 1


def test_a_preview_s_token_cancels_what_was_shown_and_nothing_else(service: Running) -> None:
    with service.http() as http:
        one = waiting(http, labels={"of": "token"})
        shown = service.run("cancel", "--where", "label=of=token", "--preview")
        [typed] = [line for line in shown.splitlines() if "countermand cancel --token" in line]
        token = typed.split()[-1]
        late = waiting(http, labels={"of": "token"})
        job = json.loads(service.run("cancel", "--token", token, "--reason", "seen", "--json"))
        assert (job["state"], job["effective"], job["why"]) == ("done", 1, "seen")
        statuses = [http.get(f"/tasks/{each}").json()["status"] for each in (one, late)]
    assert statuses == ["cancelled", "pending"]
    for more in (("--where", "kind=sleep"), ("a-task",), ("--preview",), ("--cap", "3")):
        assert service.command("cancel", "--token", token, *more).returncode == Exit.USAGE


def test_a_revoked_key_is_said_as_json(service: Running) -> None:
    key = service.new_key("default", "auditor", "--prefix", "gone_")
    shown = key[:11]
    assert json.loads(service.run("keys", "revoke", shown, "--json")) == {"revoked": shown}


def test_a_cap_that_is_too_small_or_too_large_says_what_to_do(service: Running) -> None:
    with service.http() as http:
        for _ in range(2):
            waiting(http, labels={"of": "cap"})
    where = ("cancel", "--where", "label=of=cap", "--preview")
    few = service.command(*where, "--cap", "1")
    assert few.returncode == Exit.REFUSED
    assert "tasks that fit: at most 1; narrow the filter, or raise the cap" in few.stderr
    assert "in several goes" in service.command(*where, "--cap", "100000000").stderr


def test_an_endpoint_without_tls_is_told_of_the_setting(service: Running) -> None:
    refused = service.command("webhooks", "add", "http://127.0.0.1:9")
    assert refused.returncode == Exit.REFUSED
    assert "COUNTERMAND_WEBHOOKS__PLAIN_HTTP=true" in refused.stderr


# ── long work ─────────────────────────────────────────────────────────────────────────────────────


def test_long_work_shows_how_far_it_is_on_a_terminal_and_nothing_to_scripts(
    service: Running, folder: Path
) -> None:
    file = folder / "history.jsonl"
    with service.http() as http:
        waiting(http, labels={"of": "progress"})
    of_ours = {**environment(service), **ON_A_TERMINAL}
    for words, shown in (
        (["export", str(file)], "exporting"),
        (["import", str(file), "--data", str(folder / "made")], "importing"),
        (["backup", str(folder / "backup")], "history.sqlite"),
        (["restore", str(folder / "backup"), "--data", str(folder / "again")], "history.sqlite"),
        (["rebuild"], "comparing"),
        (["cancel", "--where", "label=of=progress", "--yes"], "cancelling"),
    ):
        done = run(words, of_ours)
        assert done.returncode == Exit.DONE, done.stderr
        assert shown in done.stderr, words
    for words, of in ((["--json"], of_ours), ([], environment(service))):
        quiet = run(["export", str(folder / "quiet"), *words], of)
        assert (quiet.returncode, quiet.stderr) == (Exit.DONE, "")


# ── what can't be done ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["gateway", "executor", "projector", "watchdog", "pulse-worker"])
def test_a_service_alone_says_that_it_needs_kafka(name: str, folder: Path) -> None:
    data = {"COUNTERMAND_DATA": str(folder / "data")}
    done = run([name, "--log-format", "json"], data)
    assert done.returncode == Exit.CONFIGURATION
    [line] = done.stderr.splitlines()
    assert line.startswith("a service alone works on Kafka and PostgreSQL: set COUNTERMAND_KAFKA=")
    assert "`countermand up` runs all of them" in line
    assert done.stdout == ""
    assert not (folder / "data").exists()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_this_machine_s_is_named(host: str, folder: Path) -> None:
    done = run(["up", "--host", host, "--port", "0", "--data", str(folder / "data")])
    assert done.returncode == Exit.CONFIGURATION
    assert done.stderr.startswith(f"can't listen at {host}:0: ")
    assert "(--host): 127.0.0.1 for callers on this machine" in done.stderr


@pytest.mark.parametrize(
    ("words", "name"), [(["--host", ""], "gateway.host"), (["--port", "99999"], "gateway.port")]
)
def test_an_option_of_the_gateway_is_named_as_its_setting(words: list[str], name: str) -> None:
    done = run(["up", *words])
    assert done.returncode == Exit.CONFIGURATION
    [line] = done.stderr.splitlines()
    assert line.startswith(f"setting {name}: ")


def test_a_setting_that_is_spelled_wrong_is_refused_with_the_nearest(folder: Path) -> None:
    path = folder / "countermand.toml"
    path.write_text("[gatewy]\nport = 1\n")
    done = run(["up", "--config", str(path), "--data", str(folder / "data")])
    assert done.returncode == Exit.CONFIGURATION
    assert done.stderr == "setting gatewy: there is no such one; did you mean 'gateway'?\n"
    assert not (folder / "data").exists()


@pytest.mark.parametrize("words", ["up --port 0", "import /dev/null"])
def test_a_data_folder_that_cannot_be_made_is_named_without_a_number(words: str) -> None:
    done = run([*words.split(), "--data", "/proc/nowhere"])
    assert done.returncode in (Exit.REFUSED, Exit.CONFIGURATION)
    [line] = done.stderr.splitlines()
    assert "/proc/nowhere" in line
    assert "No such file or directory" in line
    assert "this user" in line
    assert "Errno" not in line


def test_places_that_cannot_be_written_are_named_without_a_number(
    service: Running, folder: Path
) -> None:
    (folder / "file").write_text("in the way")
    for words in (
        ["export", str(folder / "none" / "history.jsonl")],
        ["backup", str(folder / "file" / "backup")],
    ):
        done = run(words, environment(service))
        assert done.returncode == Exit.REFUSED
        [line] = done.stderr.splitlines()
        assert str(folder) in line
        assert "check how it is spelled" in line
        assert "Errno" not in done.stderr


# ── exit codes ────────────────────────────────────────────────────────────────────────────────────


def test_each_exit_code_is_what_it_is_said_to_be(service: Running, folder: Path) -> None:
    with service.http() as http:
        stubborn = running(http, kind="stubborn", grace_seconds=600)
        ended = submitted(http, not_before=LATER)
        assert http.post(f"/tasks/{ended}/cancel", json={}).status_code == 200
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    codes = {
        Exit.DONE: ["status", ended],
        Exit.REFUSED: ["cancel", ended],
        Exit.USAGE: ["cancel"],
        Exit.UNREACHABLE: ["status", "--url", nobody],
        Exit.STILL_STOPPING: ["cancel", stubborn, "--wait", "0"],
        Exit.CONFIGURATION: ["up", "--port", "-1"],
    }
    assert {code: service.command(*words).returncode for code, words in codes.items()} == {
        code: code for code in codes
    }
    watching, lines = begin_heard(["watch", stubborn], folder / "err", environment(service))
    with lines:
        next(lines)
        watching.send(signal.SIGINT)
        assert watching.wait() == Exit.INTERRUPTED
    assert service.run("cancel", stubborn, "--force")
    assert "Traceback" not in (folder / "err").read_text()


# ── completion ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("countermand re", {"replay", "rebuild", "restore", "regions"}),
        ("countermand keys ", {"create", "list", "revoke"}),
        ("countermand cancel --for", {"--force"}),
    ],
)
def test_a_shell_completes_commands_and_options(typed: str, offered: set[str]) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "countermand")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            **os.environ,
            "_COUNTERMAND_COMPLETE": "complete_bash",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(typed.split(" ")) - 1),
        },
    )
    assert set(done.stdout.split()) == offered, done.stderr
