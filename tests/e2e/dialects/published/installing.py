"""Clients that the systems themselves publish: installed as they are, each by a lock with hashes.

Each has a folder of its own beside the cached jars, made once for a lock. `renew` renews the locks.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cluster.jars import cache_folder

LOCKS = Path(__file__).parent
INSTALLED = cache_folder() / "published"
INSTALL_SECONDS = 600
UV = Path(sys.executable).with_name("uv")


def python_with(name: str) -> Path:
    """A Python in which a client is installed."""
    lock = LOCKS / name / "requirements.lock"

    def install(folder: Path) -> None:
        did(UV, "--quiet", "venv", "--python", sys.executable, folder)
        did(
            UV, "--quiet", "pip", "install", "--python", folder / "bin" / "python",
            "--require-hashes", "--no-build", "-r", lock,
        )  # fmt: skip

    return installed(name, lock, install) / "bin" / "python"


def node_folder_with(name: str) -> Path:
    """A folder from which Node finds a client."""
    lock = LOCKS / name / "package-lock.json"

    def install(folder: Path) -> None:
        folder.mkdir()
        for file in ("package.json", "package-lock.json"):
            shutil.copy(lock.with_name(file), folder)
        did("npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)

    return installed(name, lock, install)


def installed(name: str, lock: Path, install: Callable[[Path], None]) -> Path:
    """The folder of this lock, complete; made by one process at a time."""
    folder = INSTALLED / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    done = folder / "complete"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with open(INSTALLED / f"{name}.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            install(folder)
            done.touch()
    return folder


def did(*command: str | Path, cwd: Path | None = None) -> None:
    ended = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        cwd=cwd,
        check=False,
    )
    assert ended.returncode == 0, f"{command[0]}: {ended.stderr[-4000:]}"
