"""With COUNTERMAND_NO_SKIPS=1 a skipped test fails the session: what should run must have run.

An expected failure that ran is fine; one that was not even started (`run=False`) counts as skipped.
"""

import os

import pytest

VARIABLE = "COUNTERMAND_NO_SKIPS"


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get(VARIABLE) == "1":
        config.pluginmanager.register(SkipsFail())


class SkipsFail:
    def __init__(self) -> None:
        self.skipped: list[tuple[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        expected_failure = getattr(report, "wasxfail", None)
        if report.skipped and (expected_failure is None or "[NOTRUN]" in expected_failure):
            self.skipped.append((report.nodeid, expected_failure or _reason(report)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append((report.nodeid, _reason(report)))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        nothing_failed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if self.skipped and session.exitstatus in nothing_failed:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped:
            terminalreporter.section("skipped, and nothing may be", red=True)
            for nodeid, reason in self.skipped:
                terminalreporter.write_line(f"{nodeid}: {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    match report.longrepr:
        case (_, _, str(reason)):
            return reason
        case other:
            return str(other)
