"""What the README's first screen says to type works, as it is written there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.running import REPOSITORY, Running

COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def test_the_readme_s_commands_work_one_after_another(service: Running) -> None:
    readme = (REPOSITORY / "README.md").read_text()
    typed = "\n".join(COMMANDS.findall(readme))
    assert "countermand cancel" in typed
    given = typed.replace("COUNTERMAND_KEY=...", f"COUNTERMAND_KEY={service.key}")
    done = subprocess.run(
        ["bash", "-euc", given],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=REPOSITORY,
        env={
            **os.environ,
            "COUNTERMAND_URL": service.url,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"evidence +(acknowledged|never_started)", done.stdout)
    assert "cancel requested" in done.stdout
