"""Each rule of the table, broken once: what was written, what takes its place, who notices."""

from typing import NamedTuple


class Broken(NamedTuple):
    rule: str
    file: str
    old: str
    new: str
    seen_by: str
    """A check of `tests.properties.checks`."""


BROKEN_RULES = [
    # What may begin.
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
    # What another region decides.
    Broken(
        "what is decided here is sent nowhere",
        "rules/regions.py",
        "if root.tasks or root.project is not None:",
        "if False:",
        "regions: what_is_decided_here_is_not_sent_elsewhere",
    ),
    Broken(
        "what was begun elsewhere isn't begun here",
        "rules/regions.py",
        "return noted()._replace(home=body.home)",
        "return noted()",
        "regions: what_was_sent_elsewhere_to_begin_there_does_not_begin_here",
    ),
    Broken(
        "a cancel alone says nothing about a home",
        "rules/regions.py",
        "if root.home is None and body.request in BEGINNINGS:",
        "if root.home is None:",
        "regions: a_cancel_sent_elsewhere_leaves_the_id_to_whoever_submits_it",
    ),
    # Who may start.
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
    # What runs may say.
    Broken(
        "only the current run counts",
        "rules/running.py",
        "    if task.run is None or task.run.id != body.run_id:\n"
        "        return void(Reason.NOT_CURRENT_RUN)\n"
        "    if task.evidence",
        "    if task.run is None:\n"
        "        return void(Reason.NOT_CURRENT_RUN)\n"
        "    if task.evidence",
        "running: a_zombie_s_word_counts_for_nothing[completed]",
    ),
    Broken(
        "nothing is observed before it is asked",
        "rules/running.py",
        "return noted() if task.cancel is not None else void(Reason.NOT_CANCELLING)",
        "return noted()",
        "cancelling: nothing_is_observed_before_it_is_asked",
    ),
    Broken(
        "an end is an end",
        "rules/running.py",
        "    if task.finished:\n"
        "        return void(Reason.ALREADY_FINISHED, late_by(task.finished_at, event.time))\n"
        "    match body:",
        "    match body:",
        "the graph of_a_project",
    ),
    Broken(
        "only what is being cancelled is cancelled by its executor",
        "rules/running.py",
        "if task.status is not Status.CANCELLING:",
        "if False:",
        "cancelling: a_task_without_a_cancel_is_not_cancelled_by_its_executor",
    ),
    Broken(
        "cancelling only ends cancelled: a completion",
        "rules/ending.py",
        "    if task.status is Status.CANCELLING:\n"
        "        ended = stopped(task, Evidence.RAN_TO_END, event.time)\n"
        "        return effective(ended._replace(result=body.result))\n",
        "",
        "cancelling: of_a_cancel_and_a_completion_the_first_in_the_log_wins",
    ),
    Broken(
        "cancelling only ends cancelled: a failure",
        "rules/ending.py",
        "    if task.status is Status.CANCELLING:\n"
        "        ended = stopped(task, Evidence.RAN_TO_END, event.time)\n"
        "        return effective(ended._replace(error=body.error",
        "    if False:\n"
        "        ended = stopped(task, Evidence.RAN_TO_END, event.time)\n"
        "        return effective(ended._replace(error=body.error",
        "the graph of_a_family",
    ),
    Broken(
        "cancelling only ends cancelled: a release",
        "rules/ending.py",
        "    if task.status is Status.CANCELLING:\n"
        "        return effective(stopped(task, body.evidence, event.time))\n"
        "    return effective(again(task))",
        "    return effective(again(task))",
        "the graph of_a_family",
    ),
    Broken(
        "cancelling only ends cancelled: a loss",
        "rules/ending.py",
        "        return effective(stopped(task, Evidence.PRESUMED, event.time))\n",
        "        pass\n",
        "the graph of_a_family",
    ),
    Broken(
        "a result that came too late is kept",
        "rules/ending.py",
        "ended._replace(result=body.result)",
        "ended",
        "cancelling: of_a_cancel_and_a_completion_the_first_in_the_log_wins",
    ),
    Broken(
        "a release is no failure",
        "rules/ending.py",
        "return effective(again(task))",
        'return effective(after_failure(task, event.time, "", ""))',
        "running: a_released_run_is_tried_again_without_counting_as_a_failure",
    ),
    Broken(
        "another try is another attempt",
        "rules/ending.py",
        "attempt=task.attempt + 1",
        "attempt=task.attempt",
        "the graph of_a_family",
    ),
    Broken(
        "a failure counts",
        "rules/ending.py",
        "failures = task.failures + 1",
        "failures = task.failures",
        "running: a_failed_run_is_tried_again_below_the_maximum",
    ),
    Broken(
        "attempts have a maximum",
        "rules/ending.py",
        "if failures < task.spec.max_attempts and not permanent:",
        "if not permanent:",
        "running: the_last_failure_ends_the_task",
    ),
    Broken(
        "a permanent failure is the last one",
        "rules/ending.py",
        "task.spec.max_attempts and not permanent:",
        "task.spec.max_attempts:",
        "running: a_permanent_failure_ends_the_task_at_once",
    ),
    Broken(
        "failures wait longer each time",
        "rules/ending.py",
        "return min(doubled, task.spec.backoff_limit_seconds)",
        "return task.spec.backoff_seconds",
        "running: each_failure_waits_twice_as_long_up_to_the_limit[2][4.0]",
    ),
    Broken(
        "the end of time is late enough",
        "rules/ending.py",
        "except OverflowError:",
        "except ZeroDivisionError:",
        "running: a_backoff_beyond_the_end_of_time_ends_with_it",
    ),
    Broken(
        "a remote run is never lost",
        "rules/ending.py",
        "if task.run.remote or task.run.executor != body.executor:",
        "if task.run.executor != body.executor:",
        "running: a_remote_run_is_never_lost",
    ),
    Broken(
        "a run is lost with the executor that has it",
        "rules/ending.py",
        "if task.run.remote or task.run.executor != body.executor:",
        "if task.run.remote:",
        "running: only_the_executor_that_has_the_run_can_lose_it",
    ),
    Broken(
        "life after presumed contradicts it",
        "rules/running.py",
        "noted(task._replace(contradicted=True), reason=Reason.AFTER_PRESUMED)",
        "noted(reason=Reason.AFTER_PRESUMED)",
        "cancelling: a_sign_of_life_after_presumed_is_noted_and_contradicts_it[completed]",
    ),
    Broken(
        "a late killed confirms",
        "rules/running.py",
        "if isinstance(body, TaskCancelled | RunReleased) and body.evidence is Evidence.KILLED:",
        "if False:",
        "cancelling: after_presumed_only_killed_confirms_it",
    ),
    Broken(
        "the first handle stays",
        "rules/running.py",
        "if run.handle is not None:",
        "if False:",
        "running: the_first_handle_of_a_run_is_noted_and_stays",
    ),
    Broken(
        "only remote runs are adopted",
        "rules/running.py",
        "if not run.remote:",
        "if False:",
        "running: a_local_run_is_not_adopted",
    ),
    Broken(
        "adoptions are numbered",
        "rules/running.py",
        "if body.adoption != run.adoptions + 1 or body",
        "if body",
        "running: a_late_adoption_does_not_undo_a_later_one",
    ),
    Broken(
        "waits are numbered",
        "rules/running.py",
        "if body.wait != task.answered + 1:",
        "if False:",
        "waiting: waits_are_numbered_from_one_and_none_is_left_out",
    ),
    Broken(
        "an answer names its wait",
        "rules/running.py",
        "    if task.waiting_for != body.wait:\n",
        "    if False:\n",
        "waiting: an_answer_names_the_wait_it_answers",
    ),
    Broken(
        "an answer survives a re-run",
        "rules/ending.py",
        "        run=None,\n        waiting_for=None,\n",
        "        run=None,\n        waiting_for=None,\n        answered=0,\n",
        "waiting: an_answer_survives_a_re_run",
    ),
    # Cancels.
    Broken(
        "what is pending is cancelled at once",
        "rules/stopping.py",
        "            return never_started(task, cancel, now)",
        "            return task._replace(status=Status.CANCELLING, cancel=cancel)",
        "the graph of_a_family",
    ),
    Broken(
        "cancelled is shown with its evidence",
        "rules/stopping.py",
        "status=Status.CANCELLED, cancel=cancel, evidence=Evidence.NEVER_STARTED,",
        "status=Status.CANCELLED, cancel=cancel,",
        "cancelling: a_pending_task_is_cancelled_at_once_and_never_starts",
    ),
    Broken(
        "what runs is cancelling until it has stopped",
        "rules/stopping.py",
        "return task._replace(status=Status.CANCELLING, cancel=cancel, waiting_for=None)",
        "return never_started(task, cancel, now)",
        "the graph of_a_family",
    ),
    Broken(
        "a cancel is only ever tightened",
        "rules/stopping.py",
        "seconds(new) >= seconds(old)",
        "seconds(new) == seconds(old)",
        "cancelling: a_second_cancel_that_asks_for_no_more_is_void",
    ),
    Broken(
        "nothing is tighter than force",
        "rules/stopping.py",
        "if old.mode is Mode.FORCE or (",
        "if (",
        "cancelling: force_is_tighter_than_any_grace_and_nothing_is_tighter_than_force",
    ),
    Broken(
        "each task has its own grace",
        "rules/stopping.py",
        "return cancel._replace(grace_seconds=task.spec.grace_seconds)",
        "return cancel",
        "cancelling: each_task_below_keeps_its_own_grace_unless_the_cancel_names_one",
    ),
    Broken(
        "a cancel reaches everything below",
        "rules/cancelling.py",
        "        waiting_ids.extend(root.below.get(each_id, ()))\n",
        "",
        "the graph of_a_family",
    ),
    Broken(
        "a cancel that expired is void",
        "rules/cancelling.py",
        "event.time > body.expires_at",
        "event.time < body.expires_at",
        "cancelling: a_cancel_that_expired_on_its_way_is_void",
    ),
    Broken(
        "what has ended is not cancelled",
        "rules/cancelling.py",
        "    if task.finished:\n"
        "        return void(Reason.ALREADY_FINISHED, late_by(task.finished_at, event.time))\n",
        "",
        "cancelling: of_a_cancel_and_a_completion_the_first_in_the_log_wins",
    ),
    Broken(
        "a repeated cancel is a duplicate",
        "rules/cancelling.py",
        "if task.cancel is not None and task.cancel.id == event.id:",
        "if False:",
        "cancelling: a_repeated_cancel_is_a_duplicate_also_after_the_end",
    ),
    Broken(
        "without a hold nothing is cancelled ahead",
        "rules/cancelling.py",
        "return void(Reason.UNKNOWN_TASK)",
        "return effective(tombstone=Tombstone(event.subject, cancel_by(event, body), event.time))",
        "cancelling: a_task_that_is_not_there_cannot_be_cancelled_without_a_hold",
    ),
    Broken(
        "a hold is not shortened",
        "rules/cancelling.py",
        "if held.hold_until >= body.hold_until:",
        "if False:",
        "tombstones: a_hold_may_be_prolonged_but_not_shortened",
    ),
    Broken(
        "a root holds so many",
        "rules/cancelling.py",
        "if len(root.tombstones) >= TOMBSTONES_HELD and",
        "if False and",
        "tombstones: a_root_holds_so_many_and_no_more",
    ),
    Broken(
        "only what never started is closed",
        "rules/cancelling.py",
        "if task.evidence is not Evidence.NEVER_STARTED:",
        "if False:",
        "cancelling: nothing_else_is_closed",
    ),
    # Ways on.
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
    # Projects.
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
    # What holds for all.
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
]
