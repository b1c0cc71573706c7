"""Cancels, broken."""

from tests.properties.broken_rules.broken import Broken

CANCELLING = (
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
        "cancelling_below: each_task_below_keeps_its_own_grace_unless_the_cancel_names_one",
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
)
