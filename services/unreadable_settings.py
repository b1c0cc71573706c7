"""Settings that can't even be read: which file or variable it is, and what is expected there.

Never what was found: it may be a secret.
"""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path

from pydantic_settings import SettingsError

from events.errors import CountermandError

PREFIX = "COUNTERMAND_"


class UnreadableSettings(CountermandError):
    """A file that is no TOML, or a variable that isn't JSON where it has to be."""


@contextmanager
def explained(toml_file: Path | None) -> Iterator[None]:
    """Raises `UnreadableSettings`."""
    if toml_file is not None and not toml_file.is_file():
        raise UnreadableSettings(f"{toml_file} is no file: name a TOML file of settings")
    try:
        yield
    except SettingsError as error:
        raise UnreadableSettings(of_variable(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableSettings(
            f"{toml_file} can't be read as TOML: {where(error)}. Write name = value lines, "
            'texts in quotes, below [section] lines (host = "127.0.0.1" below [gateway])'
        ) from None
    except OSError as error:
        raise UnreadableSettings(
            f"{toml_file} can't be read ({error.strerror}): let this user read it"
        ) from None


def of_variable(error: SettingsError) -> str:
    cause = error.__cause__
    if not isinstance(cause, JSONDecodeError):
        return f"the settings can't be read: {error}"
    names = sorted(
        name
        for name, value in os.environ.items()
        if name.upper().startswith(PREFIX) and value == cause.doc
    )
    return (
        f"{' or '.join(names) or PREFIX + '...'} isn't JSON ({cause.msg}, character "
        f'{cause.pos + 1}): write a list as ["a", "b"], a table as {{"name": "value"}}'
    )


def where(error: tomllib.TOMLDecodeError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"its byte {error.start + 1} isn't UTF-8"
    return str(error)
