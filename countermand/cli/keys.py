"""API keys: made, listed, revoked in the control store; a running service honours it at once."""

import getpass
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from countermand.cli.exits import Exit
from countermand.cli.service import ConfigFile, DataFolder, configured
from events.body import ORGANIZATION_PATTERN
from services.control_store import ControlStore, open_control_store
from services.control_store.api_keys import PREFIX, create_key, list_keys, revoke_key
from services.permissions import Permission
from services.settings import Settings
from services.world import real_world

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
LIST_LIMIT = 10_000


@app.command()
def create(
    org: Annotated[str, typer.Option("--org", help="The organization it is for.")],
    role: Annotated[str, typer.Option(help="admin, operator, auditor, ... (see settings)")],
    user: Annotated[str | None, typer.Option(help="Whose it is; else a service's.")] = None,
    prefix: Annotated[
        str, typer.Option(help="What it begins with: some clients check that.")
    ] = PREFIX,
    scope: Annotated[
        list[str] | None, typer.Option(help="Narrows the role to these permissions; repeatable.")
    ] = None,
    expires_in_days: Annotated[float | None, typer.Option(min=0)] = None,
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print it alone: nobody can read it again."""
    settings = configured(config, data)
    _check(settings, org, role, scope)
    now = datetime.now(UTC)
    id = str(real_world().new_id())
    make = partial(
        create_key,
        id=id,
        organization=org,
        role=role,
        now=now,
        created_by=f"command line: {getpass.getuser()}",
        user=user,
        scopes=scope or None,
        prefix=prefix,
        expires_at=None if expires_in_days is None else now + timedelta(days=expires_in_days),
    )
    with opened(settings) as store:
        key = store.ask_now(make)
    typer.echo(json.dumps({"id": id, "key": key}) if as_json else key)


@app.command("list")
def list_(
    org: Annotated[str | None, typer.Option("--org", help="Of this organization only.")] = None,
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List keys: never the keys themselves, which nobody has."""
    with opened(configured(config, data)) as store:
        keys = store.ask_now(partial(list_keys, organization=org, limit=LIST_LIMIT))
    if as_json:
        typer.echo(json.dumps([key._asdict() for key in keys], default=str))
        return
    table = Table(
        "id", "begins", "organization", "role", "scopes", "who", "created", "by", "expires",
        "last used", "revoked", box=None,
    )  # fmt: skip
    for key in keys:
        table.add_row(
            key.id,
            key.shown,
            key.organization,
            key.role,
            "" if key.scopes is None else " ".join(key.scopes),
            f"{key.principal_kind} {key.principal_id}",
            _day(key.created_at),
            key.created_by,
            _day(key.expires_at),
            _day(key.last_used_at),
            "" if key.revoked_at is None else f"{_day(key.revoked_at)} by {key.revoked_by}",
        )
    Console(soft_wrap=True).print(table)


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="Its id, or how it begins.")],
    data: DataFolder = None,
    config: ConfigFile = None,
) -> None:
    """Revoke a key: refused from then on, within a second."""
    by = f"command line: {getpass.getuser()}"
    with opened(configured(config, data)) as store:
        done = store.ask_now(lambda connection: revoke_key(connection, id, datetime.now(UTC), by))
    if not done:
        typer.echo(f"there isn't exactly one key {id!r} that isn't revoked yet", err=True)
        raise typer.Exit(Exit.REFUSED)


@contextmanager
def opened(settings: Settings) -> Iterator[ControlStore]:
    store = open_control_store(settings.control_store_url, settings.data)
    try:
        yield store
    finally:
        store.close()


def _check(settings: Settings, org: str, role: str, scopes: list[str] | None) -> None:
    if not re.fullmatch(ORGANIZATION_PATTERN, org):
        raise typer.BadParameter(f"{org!r}: letters, digits, '_', '.', '-'", param_hint="--org")
    if role not in settings.roles:
        raise typer.BadParameter(
            f"{role!r} is none of {', '.join(sorted(settings.roles))}", param_hint="--role"
        )
    for scope in scopes or ():
        if scope not in {each.value for each in Permission}:
            raise typer.BadParameter(f"{scope!r}: {', '.join(Permission)}", param_hint="--scope")


def _day(time: datetime | None) -> str:
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M")
