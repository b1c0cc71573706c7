"""A goal's analysis: given when a project is started, shown with its plan.

A project keeps it in labels, in pieces, since a label takes only so much.
"""

import json
from typing import Any

from services.gateway.dialects.deep_work.records import LABEL
from services.gateway.dialects.targets import LABEL_LIMIT_CHARACTERS
from services.read_models.rows import Project
from services.refusals import Invalid

PIECE = f"{LABEL}goal_analysis."
PIECES_LIMIT = 50
LIMIT_CHARACTERS = PIECES_LIMIT * LABEL_LIMIT_CHARACTERS


def goal_labels(goal: dict[str, Any] | None) -> dict[str, str]:
    if goal is None:
        return {}
    text = json.dumps(goal)
    if len(text) > LIMIT_CHARACTERS:
        raise Invalid("goal_analysis", f"at most {LIMIT_CHARACTERS} characters of JSON")
    starts = range(0, len(text), LABEL_LIMIT_CHARACTERS)
    return {
        f"{PIECE}{number:02d}": text[start : start + LABEL_LIMIT_CHARACTERS]
        for number, start in enumerate(starts)
    }


def goal_of(project: Project) -> dict[str, Any] | None:
    labels = project.spec.labels
    text = "".join(labels[name] for name in sorted(labels) if name.startswith(PIECE))
    return json.loads(text) if text else None
