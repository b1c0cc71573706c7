"""All questions, compiled once for a kind of database."""

from typing import NamedTuple

from services.read_models.cancels import CancelQuestions
from services.read_models.database import Database
from services.read_models.every_line import EveryLineQuestions
from services.read_models.lines import LineQuestions
from services.read_models.live import LiveQuestions
from services.read_models.malformed import MalformedQuestions
from services.read_models.past import PastQuestions
from services.read_models.projects import ProjectQuestions
from services.read_models.recent_stops import RecentStopQuestions
from services.read_models.tasks import TaskQuestions


class Questions(NamedTuple):
    """They are the same for every generation."""

    past: PastQuestions
    cancels: CancelQuestions
    tasks: TaskQuestions
    projects: ProjectQuestions
    lines: LineQuestions
    live: LiveQuestions
    malformed: MalformedQuestions
    recent_stops: RecentStopQuestions
    every_line: EveryLineQuestions


def compiled_for(database: Database) -> Questions:
    past, cancels = PastQuestions(database), CancelQuestions(database)
    return Questions(
        past=past,
        cancels=cancels,
        tasks=TaskQuestions(database, cancels),
        projects=ProjectQuestions(database, cancels),
        lines=LineQuestions(database),
        live=LiveQuestions(database, past),
        malformed=MalformedQuestions(database),
        recent_stops=RecentStopQuestions(database, past),
        every_line=EveryLineQuestions(database),
    )
