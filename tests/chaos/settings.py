"""What executors in chaos are set to."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from services.executor.settings import Command, ExecutorSettings
from tests.rig import MARKER, marked

ROOT = Path(__file__).parents[2]

COMMANDS = {
    "tree": Command(
        argv=(
            sys.executable,
            "-c",
            "import os, signal, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "    if os.fork(): os._exit(0)\n"
            "    time.sleep(600)\n"
            "time.sleep(600)",
        )
    ),
    "quick": Command(argv=("true",)),
}


def settings_of_chaos(
    lease_seconds: float, labels: Mapping[str, str] | None = None
) -> ExecutorSettings:
    settings = ExecutorSettings(
        modules=("countermand.handlers.samples", "tests.authors.exclusive"),
        module_paths=(ROOT,),
        commands=COMMANDS,
        labels=dict(labels or {}),
        lease_seconds=lease_seconds,
        claim_delay_seconds=0.05,
        isolated_hosts_ready=1,
    )
    return marked(settings, os.environ[MARKER])
