"""xpander's own SDK against a service: create, look, list, hear, stop, and what it is refused."""

import asyncio
import sys
from typing import Any
from uuid import uuid4

from xpander_sdk import Configuration, Tasks
from xpander_sdk.exceptions.module_exception import ModuleException

base, key, controller = sys.argv[1:4]


def record(task: Any) -> Any:
    return task.model_dump(exclude={"configuration"})


async def a_life(tasks: Tasks) -> None:
    task = await tasks.acreate(agent_id="sleeper", prompt="count the racks", title="Counting")
    print("created", task.status.value, task.input.text, task.title)
    while task.status.value == "pending":
        await task.areload()
    print("runs", task.status.value, (await tasks.aget(task_id=task.id)).agent_id)
    listed = [item.id for item in await tasks.alist(agent_id="sleeper")]
    running = await tasks.alist(agent_id="sleeper", filters={"status": "executing"})
    completed = await tasks.alist(agent_id="sleeper", filters={"status": "completed"})
    print(
        "listed",
        task.id in listed,
        task.id in [item.id for item in running],
        task.id in [item.id for item in completed],
    )
    stopped = await tasks.astop(task_id=task.id)
    ended = stopped.finished_at is not None
    print("stopped", stopped.status.value, stopped.is_manually_stopped, ended)
    print("again", record(await tasks.astop(task_id=task.id)) == record(stopped))
    await task.areload()
    print("later", task.status.value)


async def heard(tasks: Tasks) -> None:
    task = await tasks.acreate(agent_id="counting", prompt="aloud", events_streaming=True)
    types = []
    async for event in task.aevents():
        types.append(event.type.value)
        if types.count("chunk") == 3:
            await tasks.astop(task_id=task.id)
    print("heard", types[0], types[-1], event.data.status.value)


async def refused(tasks: Tasks, nobody: Tasks) -> None:
    for who, task_id in ((tasks, str(uuid4())), (tasks, "nonsense"), (nobody, str(uuid4()))):
        try:
            await who.astop(task_id=task_id)
        except ModuleException as error:
            print("refused", error.status_code)


async def main() -> None:
    tasks = Tasks(Configuration(base_url=base, api_key=key, organization_id="default"))
    nobody = Tasks(Configuration(base_url=base, api_key="wrong", organization_id="default"))
    await a_life(tasks)
    await heard(tasks)
    await refused(tasks, nobody)
    through = Configuration(base_url=f"{base}/{controller}", api_key=key, organization_id="default")
    task = await Tasks(through).acreate(agent_id="sleeper", prompt="behind a controller")
    print("controller", (await Tasks(through).astop(task_id=task.id)).status.value)


asyncio.run(main())
