"""Executors: which there are, what each runs for the caller, and whether it goes on claiming."""

from collections.abc import Sequence
from typing import NamedTuple

from events.executor_events import ExecutorSteered
from events.words import ACTIVE
from services.operations import looking
from services.operations.scope import Scope
from services.permissions import Permission
from services.read_models.questions import TaskFilter
from services.read_models.rows import Task
from services.refusals import Conflict, NotFound, NotOperating
from services.roll import Enrolled, Roll


class Steered(NamedTuple):
    """An executor that was told something."""

    executor: Enrolled
    obeyed: bool
    """It has said so itself."""


async def all_of_them(scope: Scope, roll: Roll) -> list[Enrolled]:
    scope.need(Permission.OPERATE)
    return roll.all()


async def one(
    scope: Scope, roll: Roll, executor: str, limit: int
) -> tuple[Enrolled, Sequence[Task]]:
    """It, and what it runs of the caller's organization: nobody sees another one's tasks."""
    scope.need(Permission.OPERATE)
    found = enrolled(roll, executor)
    await looking.fresh(scope, None)
    where = TaskFilter(status=ACTIVE, executor=executor)
    return found, (await scope.view.tasks(where, limit=limit)).rows


async def steer(scope: Scope, roll: Roll, executor: str, reason: str, *, claiming: bool) -> Steered:
    """Durable in the history when it returns; the executor obeys as soon as it hears of it."""
    scope.need(Permission.OPERATE)
    if scope.organization not in scope.parts.settings.operating_organizations:
        raise NotOperating(Permission.OPERATE)
    if enrolled(roll, executor).state(roll.now_us()) == "lost":
        raise Conflict("executor_lost", "nothing is heard of this executor any more")
    body = ExecutorSteered(actor=scope.actor, reason=reason, claiming=claiming)
    await scope.say(scope.event(body, executor))
    seconds = scope.parts.settings.verdict_wait_seconds
    obeyed = await roll.until(executor, draining=not claiming, timeout_seconds=seconds)
    return Steered(enrolled(roll, executor), obeyed)


def enrolled(roll: Roll, executor: str) -> Enrolled:
    found = roll.find(executor)
    if found is None:
        raise NotFound("executor", executor)
    return found
