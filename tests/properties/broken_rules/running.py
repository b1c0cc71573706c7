"""What runs may say, broken."""

from tests.properties.broken_rules.broken import Broken

RUNNING = (
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
)
