from pathlib import Path

import pytest

from tests.unit.inner_session import inner_session

BODY = "import pytest\n@pytest.mark.long\ndef test_long(): pass\ndef test_short(): pass"


def ran(folder: Path, size: str, *named: str) -> str:
    environment = {"COUNTERMAND_PROOF_SIZE": size}
    done = inner_session(
        folder, "tests.long_tests", BODY, environment, ["-v", *named], settings="markers = long"
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_long_test_is_left_out_where_proofs_are_small_and_that_is_said(tmp_path: Path) -> None:
    said = ran(tmp_path, "small")
    assert "tests marked `long` run in `make prove`" in said
    assert "1 passed, 1 deselected" in said


@pytest.mark.parametrize("named", [(), ("test_one.py",), ("test_one.py::test_long",)])
def test_it_runs_at_its_full_size(tmp_path: Path, named: tuple[str, ...]) -> None:
    assert "test_long PASSED" in ran(tmp_path, "full", *named)


@pytest.mark.parametrize("named", ["test_one.py", "test_one.py::test_long"])
def test_it_runs_at_any_size_when_its_file_is_named(tmp_path: Path, named: str) -> None:
    assert "test_long PASSED" in ran(tmp_path, "small", named)
