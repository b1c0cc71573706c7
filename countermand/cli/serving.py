"""`countermand up` itself: settings, the first key, the loop, and what it says once it is up.

Loads the services; the command line loads it only when it is needed.
"""

import asyncio
import gc
import json
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import typer
import uvloop
from pydantic import BaseModel, ValidationError

from countermand.cli.exits import Exit
from events.errors import CountermandError
from services.control_store import open_control_store
from services.control_store.api_keys import any_key, create_key
from services.executor.settings import ExecutorSettings
from services.logging import set_up_logging
from services.setting_names import refusals
from services.settings import Settings, read_settings
from services.world import real_world

FIRST_ORGANIZATION = "default"


Service = Callable[[Settings, asyncio.Event, Callable[[str], None]], Coroutine[Any, Any, None]]
"""It lives until the event is set, and says where or as whom it is up."""


def serve(settings: Settings, *, as_json: bool) -> None:
    """Everything, until a signal says to stop, or something is wrong for good."""
    from services.composition import serve_embedded
    from services.projecting.lives import forked
    from services.projecting.process import live

    set_up_logging(settings)
    # Now: nothing is opened yet that a fork would have to keep its hands off.
    service = partial(serve_embedded, projector=forked(settings.data, live))
    # Only when all is up: a key that was made before, and never shown, would be nobody's.
    run(
        service, settings, lambda url: say_started(url, settings, make_first_key(settings), as_json)
    )


def run(service: Service, settings: Settings, started: Callable[[str], None]) -> None:
    """A service, until a signal says to stop; what it can't go on with is said and ends it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_until_stopped(service, settings, started))
        except* CountermandError as errors:
            for error in leaves(errors):
                typer.echo(str(error), err=True)
            raise typer.Exit(Exit.CONFIGURATION) from None


def rebuild(settings: Settings, *, replace: bool, as_json: bool) -> None:
    """In this process, which does nothing else."""
    from services.on_kafka.rebuilding import rebuild_shared
    from services.rebuild.__main__ import alone, rebuild_folder

    try:
        if settings.kafka is None:
            rebuilt = alone(lambda watch: rebuild_folder(settings.data, watch, replace=replace))
        else:
            rebuilt = alone(lambda watch: rebuild_shared(settings, watch, replace=replace))
    except CountermandError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Exit.CONFIGURATION) from None
    if as_json:
        typer.echo(json.dumps(rebuilt._asdict(), default=str))
        return
    compared = "the same as before" if rebuilt.compared else "not compared"
    typer.echo(f"generation {rebuilt.generation}: {rebuilt.records} events, {compared}")


async def _until_stopped(
    service: Service, settings: Settings, started: Callable[[str], None]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopping.set)
    await service(settings, stopping, started)


def configured(
    config: Path | None,
    data: Path | None,
    *,
    host: str | None = None,
    port: int | None = None,
    handlers: list[str] | None = None,
    paths: list[Path] | None = None,
    log_format: str | None = None,
) -> Settings:
    """The settings, with what the command line says on top."""
    over = {"data": data, "log_format": log_format}
    gateway = {"host": host, "port": port}
    samples = ExecutorSettings().modules
    executor = {
        "modules": [*samples, *handlers] if handlers else None,
        "module_paths": paths or None,
    }
    with misconfigured(Settings):
        settings = read_settings(config, **{k: v for k, v in over.items() if v is not None})
    for section, values in (("gateway", gateway), ("executor", executor)):
        given = {k: v for k, v in values.items() if v is not None}
        if given:
            model = getattr(settings, section)
            with misconfigured(type(model), section):
                merged = type(model).model_validate({**model.model_dump(), **given})
            settings = settings.model_copy(update={section: merged})
    return settings


@contextmanager
def misconfigured(settings: type[BaseModel], section: str = "") -> Iterator[None]:
    """Ends the command with a line for each setting that is refused."""
    try:
        yield
    except ValidationError as error:
        for line in refusals(error, settings, section):
            typer.echo(line, err=True)
        raise typer.Exit(Exit.CONFIGURATION) from None


def make_first_key(settings: Settings) -> str | None:
    """A key for whoever starts the service for the first time; nobody can read it again."""
    store = open_control_store(settings.control_store, settings.data)
    try:
        if store.ask_now(any_key):
            return None
        world = real_world()
        return store.ask_now(
            lambda connection: create_key(
                connection,
                id=str(world.new_id()),
                organization=FIRST_ORGANIZATION,
                role="admin",
                now=datetime.now(UTC),
                created_by="countermand up",
            )
        )
    finally:
        store.close()


def say_started(url: str, settings: Settings, first_key: str | None, as_json: bool) -> None:
    """What somebody needs to go on, on stdout."""
    rest_from_collecting()
    if as_json:
        said = {"url": url, "data": str(settings.data.resolve()), "key": first_key}
        print(json.dumps(said), flush=True)
        return
    lines = [f"Countermand is up: {url}", f"  data     {settings.data.resolve()}"]
    if first_key is not None:
        lines += [
            f"  key      {first_key}",
            "           (organization 'default', role 'admin'; shown this once)",
        ]
    key = first_key or "$COUNTERMAND_KEY"
    lines += [
        "",
        "Try, in another terminal:",
        f"  export COUNTERMAND_URL={url} COUNTERMAND_KEY={key}",
        "  countermand submit sleep --id my-task --payload '{\"seconds\": 600}'",
        "  countermand cancel my-task --reason 'changed my mind'",
        "  countermand history my-task",
    ]
    print("\n".join(lines), flush=True)


def say_up(name: str, where: str, as_json: bool) -> None:
    """Of a service alone."""
    said = {"service": name, "at": where}
    print(json.dumps(said) if as_json else f"Countermand's {name} is up: {where}", flush=True)


def rest_from_collecting() -> None:
    """What was loaded stays for good: looking through it again and again for cycles would make
    some cancels wait for tens of milliseconds."""
    gc.collect()
    gc.freeze()


def leaves(group: BaseExceptionGroup[CountermandError]) -> list[CountermandError]:
    found: list[CountermandError] = []
    for each in group.exceptions:
        found += leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found
