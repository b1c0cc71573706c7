"""What holds for all events, broken."""

from tests.properties.broken_rules.broken import Broken

EVERYTHING = (
    Broken(
        "a refused request stays refused",
        "fold.py",
        "if event.id in root.refused:",
        "if False:",
        "cancelling: a_refused_request_stays_refused_whatever_has_changed_since",
    ),
    Broken(
        "refusals are forgotten beyond a limit",
        "outcome.py",
        "if len(root.refused) > REFUSALS_REMEMBERED:",
        "if False:",
        "tombstones: refusals_are_remembered_up_to_a_limit",
    ),
    Broken(
        "counts are true",
        "outcome.py",
        "(task.status not in TERMINAL) - (before.status not in TERMINAL)",
        "task.status not in TERMINAL",
        "the graph of_a_family",
    ),
    Broken(
        "children of tasks are no part of the plan",
        "state.py",
        "above(task.id) == self.id",
        "True",
        "submitting: children_of_a_project_s_tasks_count_as_work_but_not_as_the_plan",
    ),
)
