"""Tests that take a quarter of a minute however small, for what they start: `make test` leaves them
to `make prove`, unless it is told their file. Proofs of a count aren't among them.

    @pytest.mark.prove
    @pytest.mark.long
"""

from pathlib import Path

import pytest

from tests.proof_size import is_small

LONG = "long"


def pytest_report_header() -> str | None:
    if not is_small():
        return None
    return "tests marked `long` run in `make prove`, or when their file is named"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not is_small():
        return
    named = {(config.invocation_params.dir / each.partition("::")[0]) for each in config.args}
    left = [item for item in items if is_left(item, named)]
    if left:
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)


def is_left(item: pytest.Item, named: set[Path]) -> bool:
    return item.get_closest_marker(LONG) is not None and item.path not in named
