"""A session of pytest that a test starts, to see what a plugin of ours makes of it."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def inner_session(
    folder: Path,
    plugin: str,
    body: str,
    environment: Mapping[str, str],
    arguments: Sequence[str] = (),
    settings: str = "",
) -> subprocess.CompletedProcess[str]:
    """Of one file, `test_one.py`, and one plugin."""
    (folder / "test_one.py").write_text(body)
    (folder / "pytest.ini").write_text(f"[pytest]\n{settings}\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", plugin, "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
