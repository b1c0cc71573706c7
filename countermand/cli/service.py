"""`countermand up`, and each service alone."""

from pathlib import Path
from typing import Annotated

import typer

from countermand.cli.options import AsJson, ConfigFile, DataFolder, LogFormat

Handlers = Annotated[
    list[str] | None, typer.Option(help="A module whose handlers are run; repeatable.")
]
HandlersPath = Annotated[
    list[Path] | None, typer.Option(help="Where those modules are.", exists=True)
]


def up(
    data: DataFolder = None,
    host: Annotated[str | None, typer.Option(help="127.0.0.1 unless told otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="8700; 0 takes a free one.")] = None,
    handlers: Handlers = None,
    handlers_path: HandlersPath = None,
    config: ConfigFile = None,
    log_format: LogFormat = None,
    as_json: AsJson = False,
) -> None:
    """Run everything, on an embedded log."""
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
        ),
        as_json=as_json,
    )


def rebuild(
    data: DataFolder = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take over without comparing with what is in use.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make the read models anew from the log, beside a running service, compare, and swap."""
    from countermand.cli import serving

    serving.rebuild(serving.configured(config, data), replace=replace, as_json=as_json)


def gateway(
    host: Annotated[str | None, typer.Option(help="127.0.0.1 unless told otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="8700; 0 takes a free one.")] = None,
    config: ConfigFile = None,
    log_format: LogFormat = None,
    as_json: AsJson = False,
) -> None:
    """Run a gateway alone, on Kafka and PostgreSQL: HTTP for callers."""
    from countermand.cli import alone, serving

    settings = serving.configured(config, None, host=host, port=port, log_format=log_format)
    alone.serve("gateway", settings, as_json=as_json)


def executor(
    data: DataFolder = None,
    handlers: Handlers = None,
    handlers_path: HandlersPath = None,
    config: ConfigFile = None,
    log_format: LogFormat = None,
    as_json: AsJson = False,
) -> None:
    """Run an executor alone, on Kafka and PostgreSQL. Each needs a data folder of its own."""
    from countermand.cli import alone, serving

    settings = serving.configured(
        config, data, handlers=handlers, paths=handlers_path, log_format=log_format
    )
    alone.serve("executor", settings, as_json=as_json)


def projector(
    config: ConfigFile = None, log_format: LogFormat = None, as_json: AsJson = False
) -> None:
    """Run a projector alone: it feeds the read models in PostgreSQL from the log on Kafka."""
    from countermand.cli import alone, serving

    settings = serving.configured(config, None, log_format=log_format)
    alone.serve("projector", settings, as_json=as_json)


def watchdog(
    config: ConfigFile = None, log_format: LogFormat = None, as_json: AsJson = False
) -> None:
    """Run a watchdog alone: it says which runs were lost with their executor, and what is due."""
    from countermand.cli import alone, serving

    settings = serving.configured(config, None, log_format=log_format)
    alone.serve("watchdog", settings, as_json=as_json)


def pulse_worker(
    config: ConfigFile = None, log_format: LogFormat = None, as_json: AsJson = False
) -> None:
    """Run a worker of the pulse alone, on Kafka and PostgreSQL: what is being stopped, how long."""
    from countermand.cli import alone, serving

    settings = serving.configured(config, None, log_format=log_format)
    alone.serve("pulse_worker", settings, as_json=as_json)


def migrate(
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy the log of a stopped `countermand up` to Kafka, and check by digest that it is there."""
    from countermand.cli import alone, serving

    alone.migrate(serving.configured(config, data), as_json=as_json)
