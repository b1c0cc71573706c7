"""Seals a task's secrets, and opens them again: the ciphertext is in the log, its key is not.

A key is durable before the event that needs it. It is named by that event, so that a request that
is repeated finds the key of its first time. Knows no log; who destroys keys is said elsewhere.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
import stamina

from events.errors import CountermandError
from events.event import Event
from events.task_events import TaskSubmitted
from services.control_store import ControlStore
from services.control_store import secret_keys as keys
from services.control_store.secret_keys import KeptKey, KeyFor
from services.refusals import Unavailable
from services.secrets.declared import Declared
from services.secrets.sealing import DoesNotOpen, Secrets, new_key, opened, sealed

OPEN_TRIES = 5
OPEN_SECONDS = 10.0


class SecretsGone(CountermandError):
    """Their key was destroyed, or they weren't sealed for this task."""

    def __init__(self) -> None:
        super().__init__(
            "the key of this task's secrets is destroyed, as the task had ended: submit it anew"
        )


class Vault:
    """One a process."""

    def __init__(
        self, store: ControlStore, now: Callable[[], datetime], declared: Declared
    ) -> None:
        self.declared = declared
        self.store = store
        self._now = now

    async def seal(self, submissions: Sequence[tuple[Event, Secrets]]) -> list[Event]:
        """These submissions with their secrets as ciphertext; all keys in one commit."""
        named = [KeyFor(str(e.id), e.organization, e.subject) for e, _ in submissions]
        now_us = int(self._now().timestamp() * 1_000_000)

        def make(connection: sa.Connection) -> list[bytes]:
            return [keys.make(connection, each, new_key(), now_us) for each in named]

        try:
            made = await self.store.ask(make)
        except sa.exc.OperationalError as error:
            raise Unavailable("the control store can't be reached: try again") from error
        return [
            _with_secrets(event, secrets, key)
            for (event, secrets), key in zip(submissions, made, strict=True)
        ]

    async def open(self, organization: str, task_id: str, spec: TaskSubmitted) -> Secrets | None:
        """The secrets of a task; None: it has none. Raises `SecretsGone` or `Unavailable`."""
        key_id, ciphertext = spec.secrets_key_id, spec.secrets_ciphertext
        if key_id is None or ciphertext is None:
            return None
        key = await self._find(key_id)
        if key is None:
            raise SecretsGone
        try:
            return opened(ciphertext, key, organization, task_id)
        except DoesNotOpen:
            raise SecretsGone from None

    async def _find(self, key_id: str) -> bytes | None:
        try:
            async for attempt in stamina.retry_context(
                on=sa.exc.OperationalError, attempts=OPEN_TRIES, timeout=OPEN_SECONDS
            ):
                with attempt:
                    return await self.store.ask(lambda connection: keys.find(connection, key_id))
        except sa.exc.OperationalError as error:
            raise Unavailable("the control store can't be reached") from error
        raise AssertionError("retry_context ends only by returning or raising")

    async def destroy(self, key_ids: Collection[str]) -> None:
        """For good: also what the database would keep of them in its files."""
        if await self.store.ask(lambda connection: keys.destroy(connection, key_ids)):
            await self.store.leave_nothing_behind()

    async def kept(self, after: str, limit: int) -> Sequence[KeptKey]:
        return await self.store.ask(lambda connection: keys.kept(connection, after, limit))


def _with_secrets(event: Event, secrets: Secrets, key: bytes) -> Event:
    body = event.data
    assert isinstance(body, TaskSubmitted)
    in_the_clear = {k: v for k, v in body.payload.items() if k not in secrets.payload}
    hidden = {
        "payload": in_the_clear,
        "secrets_ciphertext": sealed(secrets, key, event.organization, event.subject),
        "secrets_key_id": str(event.id),
    }
    return event.model_copy(update={"data": body.model_copy(update=hidden)})
