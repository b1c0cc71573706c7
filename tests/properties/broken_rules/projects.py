"""Projects, and the ways on of their tasks and others, broken."""

from tests.properties.broken_rules.broken import Broken

PROJECTS = (
    Broken(
        "only a project's tasks are left out",
        "rules/reviving.py",
        "if root.project is None:\n        return void(Reason.UNKNOWN_PROJECT)\n    if",
        "if root.project is not None and",
        "reviving: a_task_alone_is_not_left_out",
    ),
    Broken(
        "what runs is not left out",
        "rules/reviving.py",
        "if task.status not in (Status.PENDING, Status.FAILED):",
        "if task.finished and task.status is not Status.FAILED:",
        "the graph of_a_project",
    ),
    Broken(
        "nothing is left out of what has ended",
        "rules/reviving.py",
        "if root.project.status not in ACCEPTING:",
        "if False:",
        "reviving: nothing_is_left_out_of_a_project_that_has_ended",
    ),
    Broken(
        "only what failed is retried",
        "rules/reviving.py",
        "if task.status is not Status.FAILED:",
        "if not task.finished:",
        "the graph of_a_family",
    ),
    Broken(
        "a retry names the attempt that failed",
        "rules/reviving.py",
        "        return void(Reason.NOT_FAILED)\n    if body.attempt != task.attempt:",
        "        return void(Reason.NOT_FAILED)\n    if False:",
        "reviving: a_late_duplicate_of_a_retry_retries_nothing",
    ),
    Broken(
        "nothing is retried below what has ended",
        "rules/reviving.py",
        "if ended_above(root, task.id):",
        "if False:",
        "the graph of_a_family",
    ),
    Broken(
        "a project's id is taken once",
        "rules/projects.py",
        "if root.tasks or above(event.subject) is not None:",
        "if above(event.subject) is not None:",
        "projects: a_project_does_not_take_the_id_of_a_task",
    ),
    Broken(
        "an approved plan is not replaced",
        "rules/projects.py",
        "project.status in (ProjectStatus.PLANNING, ProjectStatus.PLANNED)",
        "not project.finished",
        "the graph of_a_project",
    ),
    Broken(
        "an approval names its plan",
        "rules/projects.py",
        "right_number = body.plan == project.plan\n",
        "right_number = True\n",
        "projects: an_approval_names_the_plan_it_approves",
    ),
    Broken(
        "pauses are numbered",
        "rules/projects.py",
        "right_number = body.pause == project.pauses + 1",
        "right_number = True",
        "projects: a_pause_and_its_end_name_the_same_number",
    ),
    Broken(
        "a project that has ended is not cancelled",
        "rules/projects.py",
        "if project.finished:",
        "if False:",
        "projects: a_project_that_has_ended_is_not_cancelled",
    ),
    Broken(
        "a cancelled project skips what waits",
        "rules/projects.py",
        "    if task.status is Status.PENDING:\n"
        "        return task._replace(status=Status.SKIPPED, cancel=cancel, finished_at=now)\n",
        "",
        "the graph of_a_project",
    ),
    Broken(
        "a project is cancelled when its last run has ended",
        "rules/projects.py",
        "if project.status is ProjectStatus.CANCELLING and project.active == 0:",
        "if project.status is ProjectStatus.CANCELLING:",
        "the graph of_a_project",
    ),
    Broken(
        "a project waits for its plan",
        "rules/projects.py",
        "        and project.complete\n",
        "",
        "projects: a_project_waits_for_tasks_that_are_planned_but_not_there",
    ),
    Broken(
        "a project waits for all tasks",
        "rules/projects.py",
        "        and project.unfinished == 0\n",
        "",
        "projects: a_project_is_complete_when_all_its_tasks_are_done",
    ),
    Broken(
        "a failed task keeps its project open",
        "rules/projects.py",
        "        and project.failed == 0\n",
        "",
        "projects: a_failed_task_keeps_its_project_open",
    ),
)
