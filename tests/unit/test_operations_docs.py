"""Everything that deployment files and docs name exists: commands, options, paths, settings,
metrics, alarms."""

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from fastapi.routing import APIRoute
from pydantic import BaseModel

from countermand.cli.app import app as cli
from projections.pulse.tables import Tables
from services.gateway.app import described
from services.gateway.routes import metrics
from services.projecting.standing import Standing
from services.settings import Settings
from services.telemetry.commits import Commits
from services.telemetry.metrics import Metrics, Sources
from services.telemetry.oddities import Oddities
from services.telemetry.spans import EXPORTERS
from services.telemetry.stops import StopCounts
from tests.e2e.commands import REPOSITORY
from tests.unit.test_pulse_rows import seen

OPERATIONS = REPOSITORY / "docs/operations.md"
DOCKERFILE = REPOSITORY / "Dockerfile"
UNIT = REPOSITORY / "deploy/countermand.service"
ALERTS = REPOSITORY / "deploy/prometheus/alerts.yml"
DOCS = sorted((REPOSITORY / "docs").glob("*.md"))
FILES = [each for each in (*DOCS, DOCKERFILE, UNIT) if "COUNTERMAND_" in each.read_text()]
PAGES = [page for page in DOCS if "```toml" in page.read_text()]
TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)
OF_THE_COMMAND_LINE = {f"COUNTERMAND_{each}" for each in ("CONFIG", "DATA", "KEY", "URL")}
NO_COMMANDS = {"remote-engines.md"}
BESIDE_THE_UNIT = re.compile(r"sudo -u (\S+) COUNTERMAND_DATA=(\S+) (\S+/bin/countermand) (.*)")
COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*countermand (.*)")
CODE = re.compile(r"`([^`\n]+)`|^    (\S.*)$", re.MULTILINE)
METRIC = re.compile(r"\bcountermand_[a-z_]+\b")


def setting_exists(variable: str) -> bool:
    model: type[BaseModel] = Settings
    *sections, last = variable.removeprefix("COUNTERMAND_").lower().split("__")
    for section in sections:
        if section not in model.model_fields:
            return False
        inner = model.model_fields[section].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)
        model = inner
    return last in model.model_fields


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_that_is_named_is_a_setting(path: Path) -> None:
    named = set(re.findall(r"COUNTERMAND_[A-Z][A-Z_]*[A-Z]", path.read_text()))

    assert named
    assert {each for each in named - OF_THE_COMMAND_LINE if not setting_exists(each)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_table_of_settings_that_is_shown_can_be_used(page: Path) -> None:
    for shown in TOML.findall(page.read_text()):
        Settings(**tomllib.loads(shown))


def code(page: Path = OPERATIONS) -> list[str]:
    return ["".join(each) for each in CODE.findall(page.read_text())]


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words name, and what is left of them."""
    command: Any = typer.main.get_command(cli)
    while hasattr(command, "commands") and words:
        assert words[0] in command.commands, f"countermand {' '.join(words)}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_command_that_is_named_exists_with_its_options(page: Path) -> None:
    alone = [BESIDE_THE_UNIT.sub(r"countermand \4", text) for text in code(page)]
    commands = [found[1] for text in alone if (found := COMMAND.match(text))]
    assert bool(commands) == (page.name not in NO_COMMANDS)
    for text in commands:
        command, rest = command_of(shlex.split(text, comments=True))
        options = {option for each in command.params for option in each.opts}
        assert {word for word in rest if word.startswith("-")} <= options, text


def test_every_http_path_that_is_named_is_served() -> None:
    undocumented = {route.path for route in metrics.router.routes if isinstance(route, APIRoute)}
    served = {*described()["paths"], *undocumented, "/docs", "/openapi.json"}
    named = {
        path for text in code() for path in re.findall(r"^(?:GET )?(/[a-z]+(?:\.json)?)$", text)
    }

    assert {"/healthz", "/readyz", "/metrics", "/docs"} <= named
    assert named <= served


def test_every_file_that_is_named_is_there() -> None:
    named = {each for text in code() for each in re.findall(r"\b(?:deploy|docs)/[\w./-]+", text)}

    assert named
    assert {each for each in named if not (REPOSITORY / each).exists()} == set()


class NoWebhooks:
    def deliveries(self) -> dict[str, int]:
        return {"pending": 0, "dead": 0}

    def failing(self) -> int:
        return 0


def families() -> set[str]:
    sources = Sources(
        stops=StopCounts(1),
        picture=lambda: seen(Tables()),
        commits={"history": Commits()},
        runs=lambda: 0,
        lag_entries=lambda: 0,
        projector=lambda: Standing(0, 0),
        stopped_partitions=lambda: 0,
        oddities=Oddities(),
        region_gaps=lambda: 0,
        webhooks=NoWebhooks(),
    )
    found = set()
    for family in Metrics(sources).collect():
        found.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return found


def test_every_metric_is_explained_and_no_other() -> None:
    table = {
        name
        for line in OPERATIONS.read_text().splitlines()
        if line.startswith("| `countermand_")
        for name in METRIC.findall(line.split("|")[1])
    }

    assert table == families()
    assert set(METRIC.findall(OPERATIONS.read_text())) <= table


def test_every_alarm_says_what_to_do_where_its_rule_points() -> None:
    explained = set(re.findall(r"^### (Countermand\w+)$", OPERATIONS.read_text(), re.MULTILINE))
    rules = [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]

    assert {rule["alert"] for rule in rules} == explained
    for rule in rules:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_the_unit_starts_a_command_and_ends_it_in_time() -> None:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text())
    service = parser["Service"]
    program, *words = shlex.split(service["ExecStart"])

    assert program.endswith("/bin/countermand")
    assert command_of(words)[0].name == "up"
    assert service["KillMode"] == "mixed", "the guardian is killed last"
    assert service["OOMPolicy"] == "continue", "a handler's end isn't the service's"
    assert float(service["TimeoutStopSec"]) > 2 * Settings().shutdown_grace_seconds
    assert service["User"] not in ("root", "0")


def test_commands_beside_the_unit_are_its_users_on_its_data() -> None:
    shown = {found.groups()[:3] for text in code() if (found := BESIDE_THE_UNIT.match(text))}
    unit = UNIT.read_text()

    [(user, data, program)] = shown
    assert f"User={user}\n" in unit
    assert f"Environment=COUNTERMAND_DATA={data}\n" in unit
    assert f"ExecStart={program} up\n" in unit
    assert any(text.startswith("useradd ") and text.endswith(f" {user}") for text in code())


def joined(path: Path) -> str:
    """With each instruction in a line of its own."""
    return path.read_text().replace("\\\n", " ")


def instructions() -> list[tuple[str, str]]:
    text = joined(DOCKERFILE)
    lines = [line.split(None, 1) for line in text.splitlines() if line and line[0] not in "# "]
    return [(name, rest) for name, rest in lines]


def test_the_image_is_built_from_files_that_are_there_and_not_run_as_root() -> None:
    told = instructions()
    copied = [
        each
        for name, rest in told
        if name == "COPY" and not rest.startswith("--from")
        for each in rest.split()[:-1]
    ]
    users = [rest for name, rest in told if name == "USER"]
    stages = [rest for name, rest in told if name == "FROM"]
    not_ignored = re.findall(r"^!(.+)$", (REPOSITORY / ".dockerignore").read_text(), re.MULTILINE)

    assert len(stages) == 2
    assert users == ["10001:10001"]
    assert {each for each in copied if not (REPOSITORY / each).exists()} == set()
    assert set(copied) == set(not_ignored)
    assert ("ENTRYPOINT", '["countermand"]') in told
    assert ("CMD", '["up"]') in told


def test_the_image_s_port_is_the_one_that_is_listened_on_and_looked_at() -> None:
    text = DOCKERFILE.read_text()
    port = str(Settings().gateway.port)

    assert f"COUNTERMAND_GATEWAY__PORT={port}" in text
    assert ("EXPOSE", port) in instructions()
    assert f":{port}" in OPERATIONS.read_text()


def test_the_exporter_of_spans_that_is_named_is_installed_with_the_service() -> None:
    """What the image and `make up` install is what this lock says."""
    named = re.findall(r"COUNTERMAND_TELEMETRY__SPAN_EXPORTER=(\w+)", OPERATIONS.read_text())
    package = metadata.entry_points(group=EXPORTERS)[named[0]].dist

    assert package is not None
    locked = (REPOSITORY / "requirements.lock").read_text()
    assert f"\n{package.name}=={package.version} " in locked
    assert ("COPY", "requirements.lock requirements-uv.lock ./") in instructions()


def test_systemd_takes_every_key_of_the_unit(tmp_path: Path) -> None:
    """It is asked itself, on machines that have it."""
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace("/opt/countermand/bin/countermand", sys.executable))
    program = shutil.which("systemd-analyze")
    complaints = ""
    if program is not None:
        command = [program, "verify", "--man=no", str(here)]
        complaints = subprocess.run(command, capture_output=True, text=True, check=True).stderr

    assert sys.executable in here.read_text()
    assert complaints == ""


def test_the_image_s_health_is_asked_where_it_is_set_to_listen() -> None:
    asked: list[str] = []

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if len(asked) == 1 else 503)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """It is the test that looks."""

    (check,) = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", joined(DOCKERFILE), re.MULTILINE)
    program, *arguments = json.loads(check)
    assert program == "python"
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {"COUNTERMAND_GATEWAY__PORT": str(server.server_port)}
        ended = [
            subprocess.run(
                [sys.executable, *arguments],
                env=environment,
                stderr=subprocess.DEVNULL,
                check=False,
            ).returncode
            for _ in range(2)
        ]
        server.shutdown()

    assert asked == ["/healthz", "/healthz"]
    assert ended == [0, 1]
