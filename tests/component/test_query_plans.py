"""How SQLite finds what is asked of the read models: by what is asked for, not by what is near."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select

from services.read_models.database import Database
from services.read_models.generations import FOLDER, Generations
from services.read_models.models import ReadModels
from services.read_models.session import Compiled

FEW_ROWS = ("SCAN checkpoints", "SCAN roots USING INDEX roots_alive")
"""One a partition; and exactly the roots that are alive."""


@pytest.fixture
async def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of each statement that is written once, by its text."""
    asked: list[Compiled] = []
    compile_it = Database.compiled

    def noted(self: Database, statement: Select[Any]) -> Compiled:
        asked.append(compile_it(self, statement))
        return asked[-1]

    monkeypatch.setattr(Database, "compiled", noted)
    (tmp_path / FOLDER).mkdir()
    generations = Generations(tmp_path / FOLDER)
    await ReadModels(generations.in_use()).close()
    with closing(sqlite3.connect(generations.path(generations.live()))) as connection:
        return {each.text: plan(connection, each.text) for each in asked}


def plan(connection: sqlite3.Connection, text: str) -> str:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {text}", [0] * text.count("?"))
    return "\n".join(row[3] for row in rows)


def of(plans: dict[str, str], *words: str) -> str:
    [found] = [plan for text, plan in plans.items() if all(word in text for word in words)]
    return found


def test_no_question_looks_through_a_table(plans: dict[str, str]) -> None:
    assert len(plans) > 20
    scans = [line for plan in plans.values() for line in plan.split("\n") if "SCAN" in line]
    assert set(scans) <= set(FEW_ROWS)


def test_a_cancel_in_force_is_found_by_its_id(plans: dict[str, str]) -> None:
    """Its root may be a project of ten thousand tasks, each of which asks for it."""
    found = of(plans, "history.event_id = ?", "history.verdict = ?")
    assert "history_by_event (organization=? AND event_id=?)" in found


def test_overruns_are_found_by_their_type(plans: dict[str, str]) -> None:
    found = of(plans, "history.type = 'countermand.cancel.overran.v1'")
    assert "history_by_type (organization=? AND type=? AND place>? AND place<?)" in found


def test_what_is_being_stopped_is_found_without_what_was(plans: dict[str, str]) -> None:
    found = of(plans, "cancellations.stopped_us IS NULL")
    assert "cancellations_by_stop (organization=? AND stopped_us=?)" in found
