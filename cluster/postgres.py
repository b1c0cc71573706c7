"""A PostgreSQL server on 127.0.0.1, from Debian's package or any other.

PostgresServer owns the server's folder, its port and its process. PostgreSQL refuses to be root:
there it runs as the user `postgres`, which Debian's package brings.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import URL

from cluster.ports import free_ports
from cluster.process import ServerFailed, ServerProcess
from cluster.system import POSTGRES, find_postgres, provide

SUPERUSER = "countermand"
SYSTEM_USER = "postgres"
INIT_TIMEOUT_SECONDS = 60.0
START_TIMEOUT_SECONDS = 60.0
CONNECT_TIMEOUT_SECONDS = 2


@dataclass
class PostgresServer:
    """The folder must be one that the user `postgres` can reach when this runs as root."""

    folder: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    _process: ServerProcess | None = field(default=None, init=False)

    @property
    def url(self) -> URL:
        """The superuser's address, of the database that is always there."""
        return URL.create(
            "postgresql+psycopg",
            username=SUPERUSER,
            password=self._password_file.read_text().strip(),
            host="127.0.0.1",
            port=self.port,
            database="postgres",
        )

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def pid(self) -> int:
        return self._started().pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    def start(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Return when a client can connect."""
        if self._process is None:
            self._process = self._prepare()
        self._process.start()
        self._process.wait_until(self._accepts, timeout_seconds)

    def stop(self) -> None:
        """Disconnect everybody, write everything, end."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """SIGKILL to the server and to its children, which have process groups of their own."""
        process = self._started()
        if not process.alive:
            return
        backends = _children(process.pid)
        process.kill()
        for pid in backends:
            # One that noticed the server's death by itself is gone already.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _started(self) -> ServerProcess:
        if self._process is None:
            raise ServerFailed(f"the server in {self.folder} has not been started")
        return self._process

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    def _accepts(self) -> bool:
        url = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
        except psycopg.OperationalError:
            return False
        return True

    def _prepare(self) -> ServerProcess:
        provide(POSTGRES)
        programs = find_postgres()
        user = SYSTEM_USER if os.geteuid() == 0 else None
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        data = self.folder / "data"
        if user:
            shutil.chown(self.folder, user, user)
        if not (data / "PG_VERSION").exists():
            self._password_file.write_text(secrets.token_hex(16))
            self._password_file.chmod(0o600)
            if user:
                shutil.chown(self._password_file, user, user)
            self._initialize(f"{programs}/initdb", data, user)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            # No socket file: its folder would have to belong to the server's user.
            "unix_socket_directories": "",
        }
        command = [f"{programs}/postgres", "-D", str(data)]
        command += [
            argument for name, value in options.items() for argument in ("-c", f"{name}={value}")
        ]
        return ServerProcess(
            command,
            self.log,
            # "Fast": doesn't wait until the clients leave by themselves.
            stop_signal=signal.SIGINT,
            # "Immediate": it takes its own children along, and gives its shared memory back.
            death_signal=signal.SIGQUIT,
            user=user,
        )

    def _initialize(self, initdb: str, data: Path, user: str | None) -> None:
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
        account = [f"--username={SUPERUSER}", f"--pwfile={self._password_file}"]
        done = subprocess.run(
            [initdb, f"--pgdata={data}", *options, *account],
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=INIT_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailed(f"initdb failed in {self.folder}:\n{done.stdout}{done.stderr}")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
