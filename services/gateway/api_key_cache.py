"""API keys as the gateway knows them: no older than the settings allow, so that a revoked key is
refused within a second, and a cancel waits for no database."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa
import structlog

from services.control_store import ControlStore
from services.control_store.api_keys import ApiKey, find_key, hashed, note_use
from services.permissions import Permission, Principal, permitted
from services.refusals import Unavailable
from services.settings import Settings

USE_NOTED_EVERY_SECONDS = 30

log = structlog.get_logger(__name__)


class Known(NamedTuple):
    """What the store said of a key."""

    asked_at: float
    key: ApiKey | None
    principal: Principal | None


class ApiKeyCache:
    """Principals by the hash of their key."""

    def __init__(
        self,
        store: ControlStore,
        settings: Settings,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._roles: Mapping[str, frozenset[Permission]] = settings.roles
        self._age_limit_seconds = settings.gateway.key_age_limit_seconds
        self._kept = settings.gateway.keys_kept
        self._now = now
        self._monotonic = monotonic
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._used: dict[str, datetime] = {}
        self._asking: dict[str, asyncio.Task[Known]] = {}

    async def principal(self, key: str) -> Principal | None:
        """Whose key this is; None for one that isn't, or is no longer, good for anything."""
        hash = hashed(key)
        known = self._known.get(hash)
        age_seconds = 0.0 if known is None else self._monotonic() - known.asked_at
        if known is None or age_seconds > self._age_limit_seconds:
            known = await asyncio.shield(self._asked(hash))
        elif age_seconds > self._age_limit_seconds / 2:
            _ = self._asked(hash)  # Whoever comes next needn't wait for the database.
        _, found, principal = known
        if found is None or principal is None:
            return None
        now = self._now()
        if not found.usable(now):
            return None
        self._used[found.id] = now
        return principal

    async def note_uses(self) -> None:
        """Keep when keys were last used, now and then, until cancelled."""
        while True:
            await asyncio.sleep(USE_NOTED_EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await self._store.ask(partial(note_use, used=used))
        except sa.exc.OperationalError as error:
            self._used = used | self._used
            log.warning("when keys were last used isn't noted yet", why=str(error.orig))

    def _asked(self, hash: str) -> "asyncio.Task[Known]":
        """One question at a time, however many wait for its answer."""
        asking = self._asking.get(hash)
        if asking is None:
            asking = self._asking[hash] = asyncio.create_task(self._ask(hash))
            asking.add_done_callback(lambda done: self._answered(hash, done))
        return asking

    def _answered(self, hash: str, done: "asyncio.Task[Known]") -> None:
        del self._asking[hash]
        if not done.cancelled():
            done.exception()  # Whoever waits raises it; without anybody, the next one asks again.

    async def _ask(self, hash: str) -> Known:
        asked_at = self._monotonic()
        try:
            found = await self._store.look(partial(find_key, hash=hash))
        except sa.exc.OperationalError as error:
            raise Unavailable("the control store can't be reached: try again") from error
        known = Known(asked_at, found, _principal(found, self._roles) if found else None)
        self._known[hash] = known
        self._known.move_to_end(hash)
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        return known


def _principal(key: ApiKey, roles: Mapping[str, frozenset[Permission]]) -> Principal:
    permissions = permitted([key.role], roles)
    if key.scopes is not None:
        permissions &= {Permission(scope) for scope in key.scopes if scope in set(Permission)}
    return Principal(key.principal_kind, key.principal_id, key.organization, permissions, "api_key")
