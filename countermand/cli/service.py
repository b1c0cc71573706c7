"""`countermand up`, and each service alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from countermand.cli.exits import Exit

DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Where everything is kept.", envvar="COUNTERMAND_DATA"),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file.", envvar="COUNTERMAND_CONFIG", exists=True),
]


def up(
    data: DataFolder = None,
    host: Annotated[str | None, typer.Option(help="127.0.0.1 unless told otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="8700; 0 takes a free one.")] = None,
    handlers: Annotated[
        list[str] | None, typer.Option(help="A module whose handlers are run; repeatable.")
    ] = None,
    handlers_path: Annotated[
        list[Path] | None, typer.Option(help="Where those modules are.", exists=True)
    ] = None,
    config: ConfigFile = None,
    log_format: Annotated[str | None, typer.Option(help="console or json")] = None,
) -> None:
    """Run everything in one process, on an embedded log."""
    from countermand.cli import serving

    serving.serve(
        serving.configured(
            config,
            data,
            host=host,
            port=port,
            handlers=handlers,
            paths=handlers_path,
            log_format=log_format,
        )
    )


def rebuild(
    data: DataFolder = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take over without comparing with what is in use.")
    ] = False,
    config: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Make the read models anew from the log, beside a running service, compare, and swap."""
    from countermand.cli import serving

    serving.rebuild(serving.configured(config, data), replace=replace, as_json=as_json)


def alone(name: str) -> Callable[[Path | None], None]:
    """A service of its own needs a log that several processes can write."""

    def command(config: ConfigFile = None) -> None:
        typer.echo(
            f"`countermand {name}` runs one service of several on a shared log, which takes Kafka. "
            "The embedded log has one writing process: use `countermand up`.",
            err=True,
        )
        raise typer.Exit(Exit.CONFIGURATION)

    command.__doc__ = f"Run the {name} alone. Needs Kafka: the embedded log has one process."
    return command
