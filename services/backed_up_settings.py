"""The settings of a service, kept beside its data for backups, and compared where one is restored.

A backup may be made in another environment than the service runs in: what it was started with, the
service says itself. Secrets are left out: what is compared of them is whether there is one.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from services.settings import Settings

EFFECTIVE = "settings.json"
"""In a data folder, and in each backup of it."""
HIDDEN = "**********"
"""As pydantic shows a secret."""

log = structlog.get_logger(__name__)


class Differing(NamedTuple):
    """A setting that isn't now what it was; None: there is no such setting, or no value."""

    name: str
    then: Any
    now: Any


def keep(settings: Settings) -> None:
    """By a service that starts."""
    path = settings.data / EFFECTIVE
    making = path.with_name(f"{EFFECTIVE}.partial")
    try:
        making.touch(mode=0o600)
        making.write_text(written(settings))
        making.replace(path)
    except OSError as error:
        log.warning("backups will have earlier settings than these", why=str(error))


def kept(settings: Settings) -> str:
    """Of the service that was started last on this data; a release before this one kept none."""
    try:
        return (settings.data / EFFECTIVE).read_text()
    except FileNotFoundError:
        return written(settings)


def written(settings: Settings) -> str:
    return json.dumps(in_words(settings), indent=2)


def differing(folder: Path, settings: Settings) -> list[Differing]:
    """In the order of the settings, those of another release last."""
    then = dict(flat(json.loads((folder / EFFECTIVE).read_bytes())))
    now = dict(flat(in_words(settings)))
    for name in unordered(settings):
        for each in (then, now):
            if isinstance(each.get(name), list):
                each[name] = sorted(each[name])
    names = [*now, *(name for name in then if name not in now)]
    return [
        Differing(name, then.get(name), now.get(name))
        for name in names
        if then.get(name) != now.get(name)
    ]


def in_words(settings: Settings) -> dict[str, Any]:
    """Where the data is differs by itself; an address may have a password in it, and what a command
    is given in its environment may be one."""
    said = settings.model_dump(mode="json", exclude={"data"})
    if settings.control_store_url is not None:
        said["control_store_url"] = HIDDEN
    for command in said["executor"]["commands"].values():
        command["environment"] = dict.fromkeys(command["environment"], HIDDEN)
    return said


def unordered(settings: Settings) -> list[str]:
    """Settings that are sets: written, they come in any order."""
    return [name for name, value in flat(settings.model_dump()) if isinstance(value, frozenset)]


def flat(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """As docs and errors name them: `gateway.port`."""
    for name, value in section.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
