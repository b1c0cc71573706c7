"""API keys: only their hashes are kept. Plain functions over a connection."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import sqlalchemy as sa

from services.control_store.tables import api_keys

PREFIX = "cm_"
SECRET_BYTES = 32
SHOWN_CHARACTERS = 6


class ApiKey(NamedTuple):
    """What is known about a key; the key itself isn't."""

    id: str
    shown: str
    """How the key begins, so that people can tell theirs."""
    organization: str
    role: str
    scopes: tuple[str, ...] | None
    """Narrows what the role allows; None: all of it."""
    principal_kind: Literal["user", "service"]
    principal_id: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None

    def usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def hashed(key: str) -> str:
    """Keys are 256 random bits: a plain hash can't be searched."""
    return hashlib.sha256(key.encode()).hexdigest()


def create_key(
    connection: sa.Connection,
    *,
    id: str,
    organization: str,
    role: str,
    now: datetime,
    created_by: str,
    user: str | None = None,
    scopes: Sequence[str] | None = None,
    prefix: str = PREFIX,
    expires_at: datetime | None = None,
) -> str:
    """A new key; this is the only time that it can be read."""
    key = prefix + secrets.token_urlsafe(SECRET_BYTES)
    connection.execute(
        api_keys.insert().values(
            id=id,
            hash=hashed(key),
            shown=key[: len(prefix) + SHOWN_CHARACTERS],
            organization=organization,
            role=role,
            scopes=None if scopes is None else " ".join(scopes),
            principal_kind="service" if user is None else "user",
            principal_id=user or f"key-{id}",
            created_at_us=_us(now),
            created_by=created_by,
            expires_at_us=expires_at and _us(expires_at),
        )
    )
    return key


def find_key(connection: sa.Connection, hash: str) -> ApiKey | None:
    row = connection.execute(sa.select(api_keys).where(api_keys.c.hash == hash)).first()
    return _key(row) if row else None


def list_keys(connection: sa.Connection, organization: str | None, limit: int) -> list[ApiKey]:
    query = sa.select(api_keys).order_by(api_keys.c.created_at_us, api_keys.c.id).limit(limit)
    if organization is not None:
        query = query.where(api_keys.c.organization == organization)
    return [_key(row) for row in connection.execute(query)]


def any_key(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(api_keys.c.id).limit(1)).first() is not None


def revoke_key(connection: sa.Connection, id_or_shown: str, now: datetime, by: str) -> bool:
    """Whether there was exactly one such key that wasn't revoked yet."""
    named = (api_keys.c.id == id_or_shown) | (api_keys.c.shown == id_or_shown)
    active = sa.select(api_keys.c.id).where(named, api_keys.c.revoked_at_us.is_(None))
    ids = connection.execute(active).scalars().all()
    if len(ids) != 1:
        return False
    connection.execute(
        api_keys.update()
        .where(api_keys.c.id == ids[0])
        .values(revoked_at_us=_us(now), revoked_by=by)
    )
    return True


def note_use(connection: sa.Connection, used: Mapping[str, datetime]) -> None:
    """When keys were last used, by their ids."""
    for id, at in used.items():
        connection.execute(
            api_keys.update().where(api_keys.c.id == id).values(last_used_at_us=_us(at))
        )


def _us(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000)


def _time(us: int | None) -> datetime | None:
    return None if us is None else datetime.fromtimestamp(us / 1_000_000, UTC)


def _key(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    at = row._mapping
    return ApiKey(
        id=at["id"],
        shown=at["shown"],
        organization=at["organization"],
        role=at["role"],
        scopes=None if at["scopes"] is None else tuple(at["scopes"].split()),
        principal_kind=at["principal_kind"],
        principal_id=at["principal_id"],
        created_at=datetime.fromtimestamp(at["created_at_us"] / 1_000_000, UTC),
        created_by=at["created_by"],
        expires_at=_time(at["expires_at_us"]),
        last_used_at=_time(at["last_used_at_us"]),
        revoked_at=_time(at["revoked_at_us"]),
        revoked_by=at["revoked_by"],
    )
