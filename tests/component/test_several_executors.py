"""What executors owe each other: what one leaves is released, and a cancel finds all below it."""

from uuid import UUID, uuid4

from events.body import Actor
from events.run_events import TaskStarted
from events.words import Evidence, Status
from tests.component.stage import ACKNOWLEDGED, KILLED, Stage
from tests.rig import ORGANIZATION


async def test_children_are_cancelled_with_their_parent_wherever_they_run(stage: Stage) -> None:
    await stage.with_executor(kinds=frozenset({"parent"}))
    await stage.with_executor(kinds=frozenset({"child"}))
    parent_id = await stage.submit("parent")
    parent = await stage.run_of(parent_id)
    parent.order.voice.submit({"name": "one", "kind": "child"}, lambda *_: None)
    child = await stage.run_of(f"{parent_id}.one")
    assert (parent.executor, child.executor) == ("executor-1", "executor-2")
    await stage.cancel(parent_id)
    await stage.until(lambda: bool(parent.asked and child.asked))
    parent.ends(ACKNOWLEDGED)
    child.ends(KILLED)

    task = await stage.until_status(f"{parent_id}.one", Status.CANCELLED)
    assert task.evidence is Evidence.KILLED
    await stage.until_status(parent_id, Status.CANCELLED)


async def test_a_claim_that_is_effective_and_that_nobody_holds_is_released(stage: Stage) -> None:
    staged = await stage.with_executor()
    staged.executor.drain()
    task_id = await stage.submit("work")
    await claimed_by(stage, task_id, "executor-1", uuid4())
    task = await stage.until_status(task_id, Status.PENDING)
    await stage.until(lambda: "RunReleased" in stage.told_of(task_id))

    assert task.failures == 0
    assert stage.runs == []


async def test_what_a_predecessor_left_is_released_by_who_is_alone(stage: Stage) -> None:
    task_id = await stage.submit("work")
    await claimed_by(stage, task_id, "executor-0", uuid4())
    await stage.with_executor(alone=True)

    assert (await stage.run_of(task_id)).order.attempt == 2


async def claimed_by(stage: Stage, task_id: str, executor: str, run_id: UUID) -> None:
    actor = Actor(kind="executor", id=executor, organization=ORGANIZATION)
    body = TaskStarted(actor=actor, run_id=run_id, attempt=1, executor=executor)
    await stage.say(body, task_id)
    await stage.until(lambda: "TaskStarted" in stage.told_of(task_id))


async def test_a_shutdown_releases_what_runs_for_another_executor(stage: Stage) -> None:
    first = await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    await stage.with_executor()
    first.stopping.set()
    await stage.until(lambda: bool(run.asked))
    assert run.asked[0].why == "shutdown"
    run.ends(ACKNOWLEDGED)

    second = await stage.run_of(task_id, 2)
    assert (second.executor, second.order.attempt) == ("executor-2", 2)
    task = stage.task(task_id)
    assert task is not None
    assert task.failures == 0
