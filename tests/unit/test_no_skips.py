import subprocess
from pathlib import Path

import pytest

from tests.unit.inner_session import inner_session

BODIES = {
    "passes": "def test_it(): pass",
    "is expected to fail": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False",
    "skips": "import pytest\ndef test_it(): pytest.skip('no broker here')",
    "skips in a fixture": (
        "import pytest\n@pytest.fixture\ndef broker(): pytest.skip('no broker here')\n"
        "def test_it(broker): pass"
    ),
    "skips as a module": (
        "import pytest\npytest.skip('no broker here', allow_module_level=True)\ndef test_it(): pass"
    ),
    "is not even started": (
        "import pytest\n@pytest.mark.xfail(run=False, reason='no broker here')\ndef test_it(): pass"
    ),
}


def run(folder: Path, body: str, *, no_skips: str) -> subprocess.CompletedProcess[str]:
    environment = {"COUNTERMAND_NO_SKIPS": no_skips}
    return inner_session(folder, "tests.no_skips", body, environment)


@pytest.mark.parametrize("what", ["passes", "is expected to fail"])
def test_a_test_that_ran_passes(tmp_path: Path, what: str) -> None:
    assert run(tmp_path, BODIES[what], no_skips="1").returncode == 0


@pytest.mark.parametrize(
    "what", ["skips", "skips in a fixture", "skips as a module", "is not even started"]
)
def test_a_test_that_should_have_run_fails_the_session(tmp_path: Path, what: str) -> None:
    done = run(tmp_path, BODIES[what], no_skips="1")

    assert done.returncode == 1, done.stdout
    summary = done.stdout.split("skipped, and nothing may be")[1]
    assert "test_one.py" in summary
    assert "no broker here" in summary


def test_skips_are_allowed_unless_refused(tmp_path: Path) -> None:
    assert run(tmp_path, BODIES["skips"], no_skips="0").returncode == 0
