"""A program that plays an executor, so that a test can kill or stop one.

Starts a guardian and trees, prints what is up, and waits; prints again how each tree ended.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from services.executor.guardian.client import Guardian


async def main(lock: str, lease_seconds: str, programs: str) -> None:
    reports = int(os.environ["REPORTS"])
    guardian = await Guardian.start(Path(lock), time.monotonic() + float(lease_seconds))
    trees = [
        await guardian.spawn(argv, env=dict(os.environ), cwd=None, fds={3: reports})
        for argv in json.loads(programs)
    ]
    say(guardian=guardian.pid, trees=[tree.pid for tree in trees])
    for tree in trees:
        gone = await tree.gone
        say(gone=tree.pid, by=gone.by)
    await guardian.closed
    say(closed=guardian.pid)


def say(**words: object) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
