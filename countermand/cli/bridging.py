"""`countermand bridge`."""

import typer

from countermand.cli.service import ConfigFile, LogFormat


def bridge(config: ConfigFile = None, log_format: LogFormat = None) -> None:
    """Carry requests and news between this region and the others that the settings name."""
    from countermand.cli.serving import configured, run
    from services.bridge.bridge import serve
    from services.logging import set_up_logging

    settings = configured(config, None, log_format=log_format)
    set_up_logging(settings)
    run(
        serve,
        settings,
        lambda where: typer.echo(f"Countermand's bridge is up: {where}"),
    )
