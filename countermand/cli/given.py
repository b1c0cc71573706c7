"""What people write behind an option, as the API takes it: payloads, labels, secrets.

Never repeats a value that may be a secret.
"""

import json
import os
from pathlib import Path
from typing import Any

import typer


def payload(text: str | None) -> dict[str, Any]:
    """A JSON object, or `@file` that holds one."""
    if text is None:
        return {}
    if text.startswith("@"):
        text = contents(text[1:], "--payload")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--payload") from None
    if not isinstance(value, dict):
        raise typer.BadParameter("a JSON object, e.g. '{\"seconds\": 60}'", param_hint="--payload")
    return value


def secrets(texts: list[str] | None) -> dict[str, str]:
    """Their values are never on the command line, where every user of the machine sees them."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if name in found:
            raise given_twice(name, "--secret")
        if not equals:
            if name not in os.environ:
                raise typer.BadParameter(
                    f"there is no environment variable {name!r}: export it, or write NAME=@file",
                    param_hint="--secret",
                )
            found[name] = os.environ[name]
        elif value.startswith("@"):
            found[name] = contents(value[1:], "--secret").rstrip("\n")
        else:
            raise typer.BadParameter(
                f"{name}: write NAME, of a variable, or NAME=@file", param_hint="--secret"
            )
    return found


def labels(texts: list[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r}: write name=value", param_hint="--label")
        if name in found:
            raise given_twice(name, "--label")
        found[name] = value
    return found


def contents(name: str, option: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{name} isn't text in UTF-8", param_hint=option) from None
    except OSError as error:
        raise typer.BadParameter(
            f"{name} can't be read ({error.strerror}): name a file behind the @", param_hint=option
        ) from None


def given_twice(name: str, option: str) -> typer.BadParameter:
    return typer.BadParameter(f"{name!r} is given twice: name it once", param_hint=option)
