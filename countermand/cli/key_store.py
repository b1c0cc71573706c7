"""What commands do in the control store of a service: about keys, mostly. Loads the services.

It is only ever opened here, and made by the service: a key in a store of the command's own making,
in a folder that was mistyped, would be known to nobody.
"""

import getpass
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import typer

from events.body import ORGANIZATION_PATTERN
from events.errors import CountermandError
from services.control_store import ControlStore, open_control_store
from services.control_store.api_keys import PREFIX, ApiKey, create_key, list_keys, revoke_key
from services.control_store.store import FILE
from services.permissions import Permission
from services.settings import Settings
from services.world import real_world

LIST_LIMIT = 10_000


class NoServiceHere(CountermandError):
    def __init__(self, data: Path) -> None:
        super().__init__(
            f"there is no service's data in {data}: name its folder with --data or "
            "COUNTERMAND_DATA (on PostgreSQL: COUNTERMAND_POSTGRES). A new folder is made by "
            "`countermand up`"
        )


class NewKey(NamedTuple):
    id: str
    key: str


def create(
    settings: Settings,
    org: str,
    role: str,
    user: str | None,
    prefix: str | None,
    scopes: Sequence[str] | None,
    expires_in_days: float | None,
) -> NewKey:
    check(settings, org, role, scopes)
    now = datetime.now(UTC)
    id = str(real_world().new_id())
    make = partial(
        create_key,
        id=id,
        organization=org,
        role=role,
        now=now,
        created_by=me(),
        user=user,
        scopes=scopes or None,
        prefix=PREFIX if prefix is None else prefix,
        expires_at=None if expires_in_days is None else now + timedelta(days=expires_in_days),
    )
    with opened(settings) as store:
        return NewKey(id, store.ask_now(make))


def listed(settings: Settings, org: str | None) -> list[ApiKey]:
    with opened(settings) as store:
        return store.ask_now(partial(list_keys, organization=org, limit=LIST_LIMIT))


def revoke(settings: Settings, id: str) -> bool:
    with opened(settings) as store:
        return store.ask_now(lambda connection: revoke_key(connection, id, datetime.now(UTC), me()))


def me() -> str:
    return f"command line: {getpass.getuser()}"


@contextmanager
def opened(settings: Settings) -> Iterator[ControlStore]:
    """Raises `NoServiceHere`."""
    if settings.control_store is None and not (settings.data / FILE).exists():
        raise NoServiceHere(settings.data.resolve())
    store = open_control_store(settings.control_store, settings.data)
    try:
        yield store
    finally:
        store.close()


def check(settings: Settings, org: str, role: str, scopes: Sequence[str] | None) -> None:
    if not re.fullmatch(ORGANIZATION_PATTERN, org):
        raise typer.BadParameter(f"{org!r}: letters, digits, '_', '.', '-'", param_hint="--org")
    if role not in settings.roles:
        raise typer.BadParameter(
            f"{role!r} is none of {', '.join(sorted(settings.roles))}", param_hint="--role"
        )
    for scope in scopes or ():
        if scope not in {each.value for each in Permission}:
            raise typer.BadParameter(f"{scope!r}: {', '.join(Permission)}", param_hint="--scope")
