"""A process that plays the executor, so that it can be killed and stopped."""

import asyncio
import json
import sys
from pathlib import Path

from tests.component.guardian.scene import PATIENCE_SECONDS, Scene, python
from tests.component.guardian.trees import TREES

ROOT = Path(__file__).parents[3]


class StandIn:
    """A process that plays the executor."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, scene: Scene, lease_seconds: float) -> "StandIn":
        programs = [python(program) for program, _ in TREES.values()]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("stand_in_program.py")),
            str(scene.lock),
            str(lease_seconds),
            json.dumps(programs),
            env={**scene.env, "PYTHONPATH": str(ROOT), "REPORTS": str(scene.writing)},
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(scene.writing,),
        )
        return cls(process)

    async def says(self) -> dict[str, object]:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            words: dict[str, object] = json.loads(await self.process.stdout.readline())
        return words
