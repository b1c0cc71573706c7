"""Who may start, broken."""

from tests.properties.broken_rules.broken import Broken

CLAIMING = (
    Broken(
        "only what is pending is claimed",
        "rules/running.py",
        "if task.status is not Status.PENDING:",
        "if task.finished:",
        "claiming: of_two_executors_the_first_in_the_log_runs_the_task",
    ),
    Broken(
        "a claim names the attempt",
        "rules/running.py",
        "if attempt != task.attempt:",
        "if attempt > task.attempt:",
        "claiming: a_repeated_claim_is_a_duplicate_however_late",
    ),
    Broken(
        "only the home region claims",
        "rules/running.py",
        "if region != task.spec.region:",
        "if False:",
        "claiming: only_the_home_region_claims",
    ),
    Broken(
        "nothing starts before its project executes",
        "rules/running.py",
        "if project.status is not ProjectStatus.EXECUTING:",
        "if project.finished:",
        "the graph of_a_project",
    ),
    Broken(
        "nothing starts before the plan is complete",
        "rules/running.py",
        "if not project.complete:",
        "if project.plan == 0:",
        "claiming: a_task_starts_only_when_all_tasks_of_the_plan_are_there",
    ),
    Broken(
        "dependencies come first",
        "rules/running.py",
        "dependency.status not in (Status.SUCCEEDED, Status.SKIPPED)",
        "not dependency.finished",
        "the graph of_a_project",
    ),
    Broken(
        "a dependency that is not there is not met",
        "rules/running.py",
        "if dependency is None or dependency.status",
        "if dependency is not None and dependency.status",
        "claiming: every_dependency_counts_also_one_that_is_not_there",
    ),
    Broken(
        "not before its time",
        "rules/running.py",
        "now < task.not_before:",
        "now > task.not_before:",
        "claiming: a_task_is_not_claimed_before_its_time",
    ),
)
