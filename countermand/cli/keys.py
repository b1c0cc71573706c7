"""API keys: made, listed, revoked in the control store; a running service honours it at once."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from countermand.cli import shown
from countermand.cli.exits import Exit
from countermand.cli.options import AsJson, ConfigFile, DataFolder

if TYPE_CHECKING:
    from services.control_store.api_keys import ApiKey

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


@app.command()
def create(
    org: Annotated[str, typer.Option("--org", help="The organization it is for.")],
    role: Annotated[str, typer.Option(help="admin, operator, auditor, ... (see settings)")],
    user: Annotated[str | None, typer.Option(help="Whose it is; else a service's.")] = None,
    prefix: Annotated[
        str | None, typer.Option(help="What it begins with: some clients check that.")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="Narrows the role to these permissions; repeatable.")
    ] = None,
    expires_in_days: Annotated[float | None, typer.Option(min=0)] = None,
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print it alone: nobody can read it again."""
    from countermand.cli import key_store, serving

    settings = serving.configured(config, data)
    new = key_store.create(settings, org, role, user, prefix, scope, expires_in_days)
    typer.echo(json.dumps(new._asdict()) if as_json else new.key)


@app.command("list")
def list_(
    org: Annotated[str | None, typer.Option("--org", help="Of this organization only.")] = None,
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List keys: never the keys themselves, which nobody has."""
    from countermand.cli import key_store, serving

    keys = key_store.listed(serving.configured(config, data), org)
    if as_json:
        typer.echo(json.dumps([key._asdict() for key in keys], default=str))
        return
    table = Table("begins", "organization", "role", "who", "last used", "state", box=None)
    for key in keys:
        # An id of its own only repeats the key's; scripts take --json, which has everything.
        is_user = key.principal_kind == "user"
        table.add_row(
            key.shown,
            key.organization,
            key.role if key.scopes is None else f"{key.role}: {' '.join(key.scopes)}",
            f"user {key.principal_id}" if is_user else "service",
            _day(key.last_used_at) or "never",
            _state(key),
        )
    shown.new_console().print(table)


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="Its id, or how it begins, as the list shows it.")],
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key: refused from then on, within a second."""
    from countermand.cli import key_store, serving

    if not key_store.revoke(serving.configured(config, data), id):
        text = (
            f"there isn't exactly one key {id!r} that isn't revoked yet: see countermand keys list"
        )
        typer.echo(text, err=True)
        raise typer.Exit(Exit.REFUSED)
    typer.echo(json.dumps({"revoked": id}) if as_json else f"revoked {id}")


def _state(key: "ApiKey") -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)} by {key.revoked_by}"
    if key.expires_at is not None:
        return f"expires {_day(key.expires_at)}"
    return f"since {_day(key.created_at)}"


def _day(time: datetime | None) -> str:
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M")
