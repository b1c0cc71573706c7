"""The compose file against its specification, and against the product that it runs."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
import typer.main
import yaml
from sqlalchemy import make_url
from typer.core import TyperGroup

from cluster.composed import (
    COMPOSE_FILE,
    compose_file,
    filled_in,
    on_this_machine,
    our_replicas,
)
from countermand.cli.app import app
from services.gateway.routes import metrics
from services.settings import Settings

ROOT = COMPOSE_FILE.parent
COMPOSED = compose_file()
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSED["services"]
OURS = {name: said for name, said in SERVICES.items() if said["image"] == "countermand"}


def commands() -> Mapping[str, Any]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group.commands


def setting_names(model: Any = Settings, prefix: str = "COUNTERMAND_") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name.upper()}"
        if hasattr(field.annotation, "model_fields"):
            yield from setting_names(field.annotation, f"{prefix}{name.upper()}__")


def test_it_is_what_the_specification_calls_a_compose_file() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         str(COMPOSE_FILE)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", OURS)
def test_every_command_and_option_is_one_of_ours(name: str) -> None:
    command, *arguments = OURS[name]["command"]
    options = {text for each in commands()[command].params for text in each.opts}
    assert {each for each in arguments if each.startswith("-")} <= options


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    assert set(OURS[name]["environment"]) <= set(setting_names())


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_whether_it_is_healthy(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", OURS)
def test_health_is_asked_where_it_is_told(name: str) -> None:
    [asked] = re.findall(r"127\.0\.0\.1:(\d+)/readyz", str(OURS[name]["healthcheck"]["test"]))
    command = OURS[name]["command"]
    if "--port" in command:
        assert asked == command[command.index("--port") + 1]
    else:
        assert asked == OURS[name]["environment"]["COUNTERMAND_HEALTH__PORT"]


def test_there_are_as_many_processes_as_promised() -> None:
    replicas = {name: said["deploy"]["replicas"] for name, said in OURS.items()}
    assert replicas == {
        "gateway": 2,
        "executor": 3,
        "projector": 2,
        "watchdog": 2,
        "pulse-worker": 2,
    }


def test_the_front_door_knows_every_gateway_and_its_port() -> None:
    [(count, address)] = re.findall(
        r"server-template gateway (\d+) (\S+)", (ROOT / "deploy/haproxy.cfg").read_text()
    )
    gateway = OURS["gateway"]
    port = gateway["command"][gateway["command"].index("--port") + 1]
    assert (int(count), address) == (gateway["deploy"]["replicas"], f"gateway:{port}")
    bound = re.findall(r"bind :(\d+)", (ROOT / "deploy/haproxy.cfg").read_text())
    assert [each.split(":")[-1] for each in SERVICES["front-door"]["ports"]] == bound


def test_prometheus_asks_the_gateways_where_they_answer() -> None:
    [job] = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["scrape_configs"]
    [found] = job["dns_sd_configs"]
    command = OURS["gateway"]["command"]
    assert found["names"] == ["gateway"]
    assert str(found["port"]) == command[command.index("--port") + 1]
    assert job["metrics_path"] in {getattr(route, "path", "") for route in metrics.router.routes}


def test_prometheus_finds_its_rules_where_they_are_mounted() -> None:
    mounted = dict(each.split(":")[:2] for each in SERVICES["prometheus"]["volumes"])
    rules = {inside for here, inside in mounted.items() if here.endswith("prometheus/alerts.yml")}
    config = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())
    beside = PurePosixPath(mounted["./deploy/prometheus.yml"]).parent
    assert {str(beside / each) for each in config["rule_files"]} == rules
    assert rules


def test_brokers_are_where_kafka_listens_and_is_looked_at() -> None:
    said = SERVICES["kafka"]
    own = said["environment"]
    [host, port] = OURS["gateway"]["environment"]["COUNTERMAND_KAFKA"].split(":")
    assert SERVICES[host] is said
    assert f"PLAINTEXT://{host}:{port}" in own["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert f"PLAINTEXT://:{port}" in own["KAFKA_LISTENERS"].split(",")
    assert said["healthcheck"]["test"][-1] == f"localhost:{port}"


def test_the_database_is_the_one_that_postgresql_makes() -> None:
    url = make_url(filled_in(OURS["gateway"]["environment"]["COUNTERMAND_POSTGRES"]))
    said = SERVICES[str(url.host)]
    made = {name: filled_in(value) for name, value in said["environment"].items()}
    assert made == {
        "POSTGRES_USER": url.username,
        "POSTGRES_PASSWORD": url.password,
        "POSTGRES_DB": url.database,
    }
    assert url.port == 5432, "as PostgreSQL listens unless told otherwise"
    asked = said["healthcheck"]["test"]
    assert asked[asked.index("--username") + 1] == url.username
    assert asked[asked.index("--dbname") + 1] == url.database


def test_the_broker_is_of_the_version_that_tests_run() -> None:
    [tested] = re.findall(
        r"<kafka.version>(.+)</kafka.version>", (ROOT / "cluster/maven/pom.xml").read_text()
    )
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{tested}"


def test_prometheus_is_published_where_it_listens() -> None:
    said = SERVICES["prometheus"]
    [asked] = re.findall(r"127\.0\.0\.1:(\d+)/-/healthy", str(said["healthcheck"]["test"]))
    [published] = said["ports"]
    assert published.split(":")[1:] == [asked, asked]


@pytest.mark.parametrize("name", OURS)
def test_its_settings_are_taken_and_its_end_is_waited_for(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in OURS[name]["environment"].items():
        monkeypatch.setenv(variable, filled_in(value))
    settings = Settings()
    assert settings.kafka == OURS[name]["environment"]["COUNTERMAND_KAFKA"]
    assert settings.postgres is not None
    [grace_seconds] = re.findall(r"^(\d+)s$", OURS[name]["stop_grace_period"])
    assert int(grace_seconds) > 2 * settings.shutdown_grace_seconds


def test_every_file_that_is_named_is_there() -> None:
    for said in SERVICES.values():
        for volume in said.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSED["volumes"] or (ROOT / source).is_file()
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = shlex.split(line)[1:]
            assert all((ROOT / source).exists() for source in sources)


def test_nothing_is_published_beyond_this_machine() -> None:
    ports = [port for said in SERVICES.values() for port in said.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_without_containers_the_same_commands_run_on_other_addresses() -> None:
    replicas = list(our_replicas(COMPOSED))
    assert len({each.name for each in replicas}) == len(replicas) == 11
    for replica in replicas:
        command, environment = on_this_machine(
            replica, kafka="k:1", postgres="postgresql://p", data=ROOT, port=1, health_port=2
        )
        assert [each for each in command if not each[0].isdigit()] == [
            each for each in replica.command if not each[0].isdigit()
        ]
        assert environment["COUNTERMAND_KAFKA"] == "k:1"
        assert environment["COUNTERMAND_POSTGRES"] == "postgresql://p"
        assert "${" not in str(replica.environment)
