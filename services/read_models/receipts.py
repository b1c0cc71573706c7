"""What became of a request."""

from uuid import UUID

from services.read_models.asking import Questions
from services.read_models.lines import line
from services.read_models.rows import Receipt
from services.read_models.scope import Scoped


def receipt(scoped: Scoped, questions: Questions, event_id: UUID) -> Receipt | None:
    """By the first line that has its event's id; the others are its repeats."""
    rows = questions.lines.with_id(scoped, event_id.hex)
    if not rows:
        return None
    first = line(rows[0])
    task = questions.tasks.now(scoped, first.about)
    if task is not None:
        return Receipt(first, len(rows) - 1, task.cancel, task.evidence)
    project = questions.projects.now(scoped, first.about)
    return Receipt(first, len(rows) - 1, project.cancel if project else None, None)
