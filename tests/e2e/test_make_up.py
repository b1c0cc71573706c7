"""`make up` in a copy of the repository, which installs all it needs from the locks, ends with a
running service, and a task to try."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.commands import REPOSITORY
from tests.tallies import Tally

INSTALL_SECONDS = 400.0
STOP_SECONDS = 30.0


def copied(target: Path) -> Path:
    """What is in the repository: no environment, and no data."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=True, cwd=REPOSITORY,
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (REPOSITORY / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, target / name)
    return target


@pytest.mark.prove
@pytest.mark.long
@pytest.mark.timeout(INSTALL_SECONDS + 100)
def test_make_up_ends_with_a_service_and_a_task_to_try(tmp_path: Path, tally: Tally) -> None:
    repository = copied(tmp_path / "countermand")
    surroundings = {
        name: value for name, value in os.environ.items() if not name.startswith("COUNTERMAND_")
    }
    began = time.monotonic()
    making = subprocess.Popen(
        ["make", "up", f"PYTHON={sys.executable}", "ARGS=--port 0 --data elsewhere"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=repository,
        env=surroundings,
        process_group=0,
    )
    try:
        assert making.stdout is not None
        said = []
        for line in making.stdout:
            said.append(line)
            if "history my-task" in line:
                break
        tally(f"up {time.monotonic() - began:.1f} s after `make up`, with nothing installed")
        told = "".join(said)
        [url] = re.findall(r"is up: (\S+)", told)
        assert httpx.get(f"{url}/readyz").json()["status"] == "ready"
        assert (repository / "elsewhere" / "history.sqlite").exists()
        # As it says: in another terminal, line by line.
        typed = told[told.index("Try, in another terminal:\n") :].partition("\n")[2]
        tried = subprocess.run(
            ["bash", "-euc", typed],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            cwd=repository,
            env={**surroundings, "PATH": f"{repository / '.venv/bin'}:{os.environ['PATH']}"},
        )
        assert tried.returncode == 0, told + tried.stderr
        assert re.search(r"verdict +effective", tried.stdout)
        assert "cancel requested" in tried.stdout
        # Ctrl-C reaches the whole group; make waits for the service, which ends in order.
        os.killpg(making.pid, signal.SIGINT)
        rest = making.communicate(timeout=STOP_SECONDS)[0]
    finally:
        if making.poll() is None:
            os.killpg(making.pid, signal.SIGKILL)
            making.wait()
    assert "Traceback" not in rest
    # The log was closed: nothing of it is left beside its file.
    assert not (repository / "elsewhere" / "history.sqlite-wal").exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
