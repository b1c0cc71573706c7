"""Destroys the keys of tasks that have ended: a listener of the ledger.

What it hears it destroys at once. What was missed (a crash between the end and the deletion, a
store that was away, a submission that never reached the log) is found by looking through the keys
that are left, at the start and every hour: an entry that is lost delays a destruction, no more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa
import structlog

from events.positions import Frontier
from events.state import Root, TaskState
from events.task_events import TaskSubmitted
from events.words import TERMINAL
from projections.entry import Entry
from services.control_store.secret_keys import KeptKey
from services.read_models.rows import Task
from services.secrets.vault import Vault

AT_ONCE = 500
LOOK_EVERY_SECONDS = 3600.0
AGAIN_AFTER_SECONDS = 5.0
UNSEEN_SECONDS = 3600.0
"""A key whose task nobody has seen for so long was made for a submission that was never stored."""

log = structlog.get_logger(__name__)


FindTask: TypeAlias = Callable[[str, str], Awaitable[Task | None]]
"""By organization and id, as far as the read models know."""


class KeyDestroyer:
    """`run` it beside the ledger that it listens to."""

    def __init__(self, vault: Vault, find_task: FindTask, now: Callable[[], datetime]) -> None:
        self._vault = vault
        self._find_task = find_task
        self._now = now
        self._ended: set[str] = set()
        self._some = asyncio.Event()
        self._recalled = asyncio.Event()

    # What the ledger tells

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self._recalled.set()

    def entered(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            for task in entry.outcome.tasks:
                if task.spec.secrets_key_id is not None and task.status in TERMINAL:
                    self._destroy_soon(task.spec.secrets_key_id)
            if entry.event is not None and isinstance(entry.event.data, TaskSubmitted):
                key_id = entry.event.data.secrets_key_id
                if key_id is not None and not needs(entry.after, key_id):
                    self._destroy_soon(key_id)

    async def room(self) -> None:
        """Always: an id is kept of each, and they are destroyed many at once."""

    def _destroy_soon(self, key_id: str) -> None:
        self._ended.add(key_id)
        self._some.set()

    # Its life

    async def run(self) -> None:
        """Until cancelled."""
        await self._recalled.wait()
        looked_at = -LOOK_EVERY_SECONDS
        clock = asyncio.get_running_loop().time
        while True:
            try:
                if clock() - looked_at >= LOOK_EVERY_SECONDS:
                    await self._look_through()
                    looked_at = clock()
                await self._destroy()
            except sa.exc.OperationalError as error:
                log.warning("keys of ended tasks aren't destroyed yet", why=str(error.orig))
                await asyncio.sleep(AGAIN_AFTER_SECONDS)
                continue
            await self._wait(looked_at + LOOK_EVERY_SECONDS - clock())

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._some.wait()
        except TimeoutError:
            return

    async def _destroy(self) -> None:
        """What is known to have ended. Forgotten only once it is destroyed."""
        self._some.clear()
        while self._ended:
            some = set(list(self._ended)[:AT_ONCE])
            await self._vault.destroy(some)
            self._ended -= some

    async def _look_through(self) -> None:
        after = ""
        while keys := await self._vault.kept(after, AT_ONCE):
            for key in keys:
                if await self._is_over(key):
                    self._ended.add(key.id)
            after = keys[-1].id

    async def _is_over(self, key: KeptKey) -> bool:
        task = await self._find_task(key.organization, key.task_id)
        if task is None:
            age_us = self._now().timestamp() * 1_000_000 - key.created_at_us
            return age_us > UNSEEN_SECONDS * 1_000_000
        return task.status in TERMINAL or task.spec.secrets_key_id != key.id


def needs(subject: object, key_id: str) -> bool:
    """Whether this is a task whose secrets that key seals, and that may still run."""
    return (
        isinstance(subject, TaskState)
        and subject.spec.secrets_key_id == key_id
        and subject.status not in TERMINAL
    )
