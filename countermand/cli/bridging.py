"""`countermand bridge`."""

from countermand.cli.options import AsJson, ConfigFile, LogFormat


def bridge(
    config: ConfigFile = None, log_format: LogFormat = None, as_json: AsJson = False
) -> None:
    """Carry requests and news between this region and the others that the settings name."""
    from countermand.cli.serving import configured, run, say_up
    from services.bridge.bridge import serve
    from services.logging import set_up_logging

    settings = configured(config, None, log_format=log_format)
    set_up_logging(settings)
    run(serve, settings, lambda where: say_up("bridge", where, as_json))
