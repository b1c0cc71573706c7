"""Starting a process tree for a run, with the guardian's troubles told apart from the command's."""

import asyncio
from collections.abc import Mapping, Sequence

from services.executor.guardian import client
from services.executor.runtime import CannotStart, EngineGone

GUARDIAN_DIES_SECONDS = 0.2
"""A tree's socket may be closed a moment before the guardian's own."""


async def spawn(
    guardian: client.Guardian,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | None,
    fds: Mapping[int, int],
) -> client.Tree:
    """A tree under a keeper of its own. Raises `CannotStart` or `EngineGone`."""
    try:
        return await guardian.spawn(argv, env=env, cwd=cwd, fds=fds)
    except client.CannotStart as error:
        await asyncio.wait({guardian.ending}, timeout=GUARDIAN_DIES_SECONDS)
        if guardian.ending.done():
            raise EngineGone from error
        raise CannotStart(str(error), permanent=False) from error
