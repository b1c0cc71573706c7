"""What may begin, broken."""

from tests.properties.broken_rules.broken import Broken

SUBMITTING = (
    Broken(
        "an id is taken once",
        "rules/submitting.py",
        "if taken is not None:",
        "if taken is not None and not taken.finished:",
        "submitting: the_id_of_a_finished_task_stays_taken",
    ),
    Broken(
        "nothing begins below what has ended",
        "rules/submitting.py",
        "return Reason.ABOVE_FINISHED if ended_above(root, subject) else None",
        "return None",
        "submitting: no_child_begins_below_what_has_ended",
    ),
    Broken(
        "what is being cancelled takes no children",
        "rules/submitting.py",
        "task.finished or task.status is Status.CANCELLING",
        "task.finished",
        "the graph of_a_family",
    ),
    Broken(
        "a project that has ended takes no task",
        "rules/submitting.py",
        "if project.status not in ACCEPTING:",
        "if False:",
        "submitting: a_completed_project_takes_no_task",
    ),
    Broken(
        "a plan has a limit",
        "rules/submitting.py",
        "return Reason.PLAN_IS_FULL if project.complete else None",
        "return None",
        "submitting: a_complete_plan_takes_no_further_task",
    ),
    Broken(
        "dependencies stay within a root",
        "rules/submitting.py",
        "root_of(dependency) != own_root",
        "dependency == event.subject",
        "submitting: dependencies_stay_within_their_root",
    ),
    Broken(
        "a live tombstone ends its task",
        "rules/submitting.py",
        "if event.time < tombstone.hold_until:",
        "if False:",
        "the graph of_a_family",
    ),
    Broken(
        "a hold that has ended is spent",
        "rules/submitting.py",
        "effective(task)._replace(refused=tombstone.cancel.id)",
        "effective(task)",
        "tombstones: a_hold_that_has_ended_is_over_also_when_its_request_comes_again",
    ),
)
