"""The compose file, as `make cluster` runs it: our own services' processes, without containers.

What a container's network would give is replaced by this machine's: names by addresses, fixed ports
by free ones. Everything else (commands, replicas, variables) is what the file says.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

COMPOSE_FILE = Path(__file__).parents[1] / "docker-compose.yml"
OUR_IMAGE = "countermand"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


@dataclass(frozen=True)
class Replica:
    """One process that the file wants."""

    service: str
    number: int
    command: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.service}-{self.number}"


def compose_file() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    return content


def our_replicas(composed: Mapping[str, Any]) -> Iterator[Replica]:
    """Every process of ours, in the order of the file."""
    for service, said in composed["services"].items():
        if said["image"] != OUR_IMAGE:
            continue
        environment = {name: filled_in(value) for name, value in said["environment"].items()}
        for number in range(1, said.get("deploy", {}).get("replicas", 1) + 1):
            yield Replica(service, number, tuple(said["command"]), environment)


def filled_in(value: str) -> str:
    """With the variables of this process, as compose does it."""
    return VARIABLE.sub(
        lambda found: os.environ.get(found["name"], found["default"] or ""), str(value)
    )


def on_this_machine(
    replica: Replica, *, kafka: str, postgres: str, data: Path, port: int, health_port: int
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command and its environment, with addresses of this machine for those of containers."""
    replaced = {
        "COUNTERMAND_KAFKA": kafka,
        "COUNTERMAND_POSTGRES": postgres,
        "COUNTERMAND_HEALTH__HOST": "127.0.0.1",
        "COUNTERMAND_HEALTH__PORT": str(health_port),
    }
    environment = {name: replaced.get(name, value) for name, value in replica.environment.items()}
    environment["COUNTERMAND_DATA"] = str(data)
    options = {"--host": "127.0.0.1", "--port": str(port)}
    command = list(replica.command)
    for option, value in options.items():
        if option in command:
            command[command.index(option) + 1] = value
    return tuple(command), environment
