"""Histories in sentences: `a_task().started().cancel_requested()`.

A history is a value: every word gives a new one, so a test may tell two ends of one story. Ids and
times are deterministic; each event is a second later than the one before it. A word is about the
task that was named last, and about its latest run, unless it says otherwise.
"""

from dataclasses import dataclass
from typing import Any

from tests.builders.cancel_words import CancelWords
from tests.builders.project_words import ProjectWords
from tests.builders.region_words import RegionWords
from tests.builders.run_words import RunWords
from tests.builders.task_words import TaskWords


@dataclass(frozen=True)
class History(TaskWords, RunWords, CancelWords, RegionWords, ProjectWords):
    """A history, and all the words by which it goes on."""


def nothing_yet(subject: str = "task") -> History:
    """An empty history: what comes next is about a task that isn't there."""
    return History(subject)


def a_task(subject: str = "task", **spec: Any) -> History:
    """A task alone, submitted."""
    return nothing_yet(subject).submitted(**spec)


def a_project(*tasks: str, subject: str = "project") -> History:
    """A project, created, with these tasks submitted below it."""
    history = History(subject).created()
    for name in tasks:
        history = history.with_task(name)
    return history


def an_executing_project(*tasks: str, subject: str = "project") -> History:
    """A project with these tasks, planned with their number and approved."""
    return a_project(*tasks, subject=subject).planned().approved()
