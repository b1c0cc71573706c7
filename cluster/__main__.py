"""`python -m cluster`: the compose file's processes on Kafka and PostgreSQL, until Ctrl-C."""

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from cluster.broker import KafkaBroker
from cluster.composed import Replica, compose_file, on_this_machine, our_replicas
from cluster.front_door import FrontDoor
from cluster.jars import WrongJars
from cluster.ports import free_ports
from cluster.postgres import PostgresServer
from cluster.process import ServerFailed, ServerProcess
from cluster.system import Unavailable

READY_SECONDS = 600.0
LOOK_AGAIN_SECONDS = 1.0
KEY_SECONDS = 60.0
COUNTERMAND = (sys.executable, "-m", "countermand.cli")


class Running:
    """A replica's process, and where it says how it is."""

    def __init__(self, replica: Replica, folder: Path, kafka: str, postgres: str) -> None:
        self.replica = replica
        self.port, health_port = free_ports(2)
        data = folder / replica.name
        data.mkdir(parents=True, exist_ok=True)
        command, self.environment = on_this_machine(
            replica,
            kafka=kafka,
            postgres=postgres,
            data=data / "data",
            port=self.port,
            health_port=health_port,
        )
        ready_port = self.port if "--port" in command else health_port
        self._ready = f"http://127.0.0.1:{ready_port}/readyz"
        self.process = ServerProcess(
            [*COUNTERMAND, *command], data / "said.log", environment=self.environment
        )

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self._ready, timeout=LOOK_AGAIN_SECONDS) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def main() -> None:
    options = _options()
    try:
        if options.data is not None:
            asyncio.run(run(options.data.absolute(), options.port))
        else:
            # Not closed to the user that PostgreSQL runs as.
            with tempfile.TemporaryDirectory(prefix="countermand-cluster-") as folder:
                Path(folder).chmod(0o755)
                asyncio.run(run(Path(folder), options.port))
    except (Unavailable, WrongJars, ServerFailed) as reason:
        sys.exit(str(reason))


async def run(folder: Path, port: int) -> None:
    """Everything up, in order; then watch; then down, in reverse order."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with ExitStack() as started:
        broker, database = KafkaBroker(folder / "kafka"), PostgresServer(folder / "postgres")
        for server in (broker, database):
            started.callback(server.stop)
            await asyncio.to_thread(server.start)
        address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        members = [
            Running(replica, folder, broker.bootstrap, address)
            for replica in our_replicas(compose_file())
        ]
        for member in members:
            member.process.start()
            started.callback(member.process.stop)
        for member in members:
            await asyncio.to_thread(member.process.wait_until, member.is_ready, READY_SECONDS)
        doors = [each.port for each in members if each.replica.service == "gateway"]
        front_door = await FrontDoor(doors).serve(port)
        say_up(folder, front_door.sockets[0].getsockname()[1], members[0].environment)
        while not stopping.is_set():
            for member in members:
                member.process.raise_if_ended()
            await _stopped_or_later(stopping)
        front_door.close()


def say_up(folder: Path, port: int, environment: Mapping[str, str]) -> None:
    made = subprocess.run(
        [*COUNTERMAND, "keys", "create", "--org", "default", "--role", "admin"],
        env={**environment, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=KEY_SECONDS,
        check=True,
    )
    print(f"Countermand is up, as the processes of docker-compose.yml: http://127.0.0.1:{port}")
    print(f"  export COUNTERMAND_URL=http://127.0.0.1:{port} COUNTERMAND_KEY={made.stdout.strip()}")
    print(f"Data and logs are in {folder}. Ctrl-C stops everything.", flush=True)


async def _stopped_or_later(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_AGAIN_SECONDS):
            await stopping.wait()
    except TimeoutError:
        return


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder to keep; by default nothing is kept")
    parser.add_argument(
        "--port", type=int, default=8700, help="default: %(default)s; 0: a free one"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
