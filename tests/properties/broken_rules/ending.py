"""What comes of a run's end, broken."""

from tests.properties.broken_rules.broken import Broken

ENDING = (
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
        "an answer survives a re-run",
        "rules/ending.py",
        "        run=None,\n        waiting_for=None,\n",
        "        run=None,\n        waiting_for=None,\n        answered=0,\n",
        "waiting: an_answer_survives_a_re_run",
    ),
)
