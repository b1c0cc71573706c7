"""What the README's first screen says to type works, as it is written there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent

from tests.e2e.commands import REPOSITORY
from tests.e2e.running import Running

COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
SNIPPETS = re.compile(r"```python\n(.*?)```", re.DOTALL)
RECEIPT = re.compile(r"how the stop is known\.\n\n(.*?)\n\n", re.DOTALL)
AROUND = """
import asyncio, json, os

async def typed(key: str) -> None:
{snippet}
    print(json.dumps([task, receipt]))

asyncio.run(typed(os.environ["COUNTERMAND_KEY"]))
"""
"""A page's reader has a key, and a place where `async with` may stand."""


def labels(receipt: str) -> list[str]:
    return [re.split(r"  +", line.strip())[0] for line in receipt.splitlines()]


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
    # The answer has the lines that the page shows, in that order.
    [receipt] = RECEIPT.findall(readme)
    shown = labels(receipt)
    assert shown[0] == "my-task"
    answered = labels(done.stdout[done.stdout.index("receipt ") :])
    assert answered[: len(shown) - 1] == shown[1:]
    assert re.search(r"verdict +effective", done.stdout)
    assert re.search(r"evidence +acknowledged", done.stdout)
    assert "cancel requested" in done.stdout


def test_the_readme_s_python_works_as_it_is_written(service: Running) -> None:
    readme = (REPOSITORY / "README.md").read_text()
    [snippet] = SNIPPETS.findall(readme)
    assert "http://127.0.0.1:8700" in snippet
    here = snippet.replace("http://127.0.0.1:8700", service.url)
    done = subprocess.run(
        [sys.executable, "-c", AROUND.format(snippet=indent(here, "    "))],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "COUNTERMAND_KEY": service.key},
    )
    assert done.returncode == 0, done.stderr
    task, receipt = json.loads(done.stdout)
    assert task["kind"] == "sleep"
    assert receipt["verdict"] == "effective"
    assert (receipt["subject"], receipt["why"]) == (task["id"], "changed my mind")
