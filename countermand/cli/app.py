"""Which commands there are."""

import typer

from countermand.cli import (
    bridging,
    bulk,
    demo,
    executors,
    keys,
    looking,
    moving,
    pulse,
    regions,
    service,
    tasks,
    webhooks,
)
from countermand.cli.exits import EPILOG

app = typer.Typer(
    name="countermand",
    help="Stops work, and proves that it stopped.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog=EPILOG,
)
app.command()(service.up)
for each in (tasks.submit, tasks.cancel, tasks.status, tasks.history, tasks.watch, tasks.replay):
    app.command()(each)
app.add_typer(bulk.app, name="bulk")
app.add_typer(executors.app, name="executors")
app.add_typer(keys.app, name="keys")
app.add_typer(regions.app, name="regions")
app.add_typer(webhooks.app, name="webhooks")
app.command()(pulse.pulse)
app.command()(moving.export)
app.command("import")(moving.import_)
app.command()(moving.backup)
app.command()(moving.restore)
app.command()(looking.doctor)
app.command()(looking.schema)
app.command()(service.rebuild)
app.command()(demo.demo)
for alone in (service.gateway, service.executor, service.projector, service.watchdog):
    app.command()(alone)
app.command("pulse-worker")(service.pulse_worker)
app.command()(bridging.bridge)
app.command()(regions.move)
app.command()(service.migrate)
