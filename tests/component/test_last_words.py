"""What a run says or gives back at its end: counted, held up by nothing, or refused."""

import asyncio

import pytest

from events.body import JsonObject
from events.cancel_events import TaskCancelled
from events.event import decode
from events.run_events import OutputSummary, RunReleased
from events.task_events import TaskProgressed
from events.words import Evidence, Status
from services.executor.executor import LastWordsUnheard
from services.executor.runtime import Completed
from services.executor.settings import ExecutorSettings
from tests.component.stage import ACKNOWLEDGED, KILLED, Stage, a_stage
from tests.rig import PATIENCE_SECONDS


async def test_output_that_does_not_get_through_keeps_no_cancel_waiting(stage: Stage) -> None:
    await stage.with_executor()
    progress = stage.output.hold(TaskProgressed)
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    run.order.voice.progress(0.5, "half")
    await progress.there()
    await stage.cancel(task_id)
    await stage.until(lambda: bool(run.asked))
    run.ends(ACKNOWLEDGED)

    await stage.until_status(task_id, Status.CANCELLED)
    assert output_of_what_was_cancelled(stage).missing_records == 1
    progress.let_go()


@pytest.mark.parametrize("through", [True, False], ids=["gets through", "is held up"])
async def test_what_a_run_says_after_it_was_asked_is_kept_or_counted_as_missing(
    stage: Stage, through: bool
) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    await stage.cancel(task_id)
    await stage.until(lambda: bool(run.asked))
    progress = stage.output.hold(TaskProgressed)
    assert run.order.voice.progress(0.9, "cleaning up")
    await progress.there()
    if through:
        progress.let_go()
        await said_after_the_cancel(stage, task_id)
    run.ends(ACKNOWLEDGED)

    # It changes nothing about the outcome, and holds it up for no longer than it may.
    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.ACKNOWLEDGED
    output = output_of_what_was_cancelled(stage)
    assert (output.records, output.missing_records) == ((1, 0) if through else (0, 1))
    progress.let_go()


async def test_an_executor_that_is_told_to_end_does_so_though_the_log_hears_nothing() -> None:
    settings = ExecutorSettings(
        claim_delay_seconds=0.001, shutdown_run_grace_seconds=0.05, lease_seconds=0.5
    )

    async def ended_unheard() -> None:
        async with a_stage() as stage:
            staged = await stage.with_executor(settings)
            run = await stage.run_of(await stage.submit("work"))
            released = stage.history.hold(RunReleased)
            staged.stopping.set()
            await stage.until(lambda: bool(run.asked))
            run.ends(KILLED)
            await released.there()
            await staged.end()

    with pytest.raises(ExceptionGroup) as raised:
        await ended_unheard()
    assert raised.group_contains(LastWordsUnheard, match=r"how 1 run\(s\)")


def output_of_what_was_cancelled(stage: Stage) -> OutputSummary:
    said = [e.event.data for e in stage.entries if e.event is not None]
    return next(each for each in said if isinstance(each, TaskCancelled)).output


async def said_after_the_cancel(stage: Stage, task_id: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for records in stage.output.follow({}):
            if any(decode(record.value).subject == task_id for record in records):
                return


async def test_output_that_gets_through_is_counted_before_the_outcome(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    run.order.voice.progress(0.5, "half")
    await stage.cancel(task_id)
    await stage.until(lambda: bool(run.asked))
    run.ends(ACKNOWLEDGED)

    await stage.until_status(task_id, Status.CANCELLED)
    output = output_of_what_was_cancelled(stage)
    assert (output.records, output.missing_records) == (1, 0)


@pytest.mark.parametrize(
    "result", [float("nan"), "x" * 1_100_000, "\ud800"], ids=["nan", "too large", "no text"]
)
async def test_a_result_that_no_event_can_hold_fails_the_run_and_not_the_executor(
    stage: Stage, result: str
) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    (await stage.run_of(task_id)).ends(Completed(result))

    task = await stage.until_status(task_id, Status.FAILED)
    assert task.error_type == "result_refused"
    await stage.run_of(await stage.submit("work"))


async def test_a_child_that_no_event_can_hold_is_refused(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    answers: list[str | None] = []

    def answer(child_id: str | None, error: str | None) -> None:
        answers.append(error)
        stage.changed()

    child: JsonObject = {"name": "large", "kind": "work", "payload": {"text": "x" * 1_100_000}}
    run.order.voice.submit(child, answer)
    await stage.until(lambda: bool(answers))

    assert "refused" in (answers[0] or "")
    await stage.run_of(await stage.submit("work"))
