"""What proofs counted, told at the end of the session, whichever process ran them.

def test_nothing_gets_lost(tally: Tally) -> None:
    tally(f"{kills} kills, nothing lost")
"""

from collections.abc import Callable
from typing import TypeAlias

import pytest

Tally: TypeAlias = Callable[[str], None]

NAME = "tally"


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    return lambda text: record_property(NAME, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = [
        (report.nodeid, text)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, text in report.user_properties
        if name == NAME
    ]
    if told:
        terminalreporter.section("what was counted")
        for nodeid, text in sorted(told):
            terminalreporter.write_line(f"{nodeid.partition('::')[2]}: {text}")
