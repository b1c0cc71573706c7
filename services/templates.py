"""JSON with holes: `${payload.name}` stands for a value that is known only later.

A text that is one hole becomes the value as it is; a hole within a longer text becomes text.
Pure; knows nothing of where the values come from.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from events.errors import CountermandError

_HOLE = re.compile(r"\$\{([A-Za-z0-9_][A-Za-z0-9_.-]*)\}")


class MissingValue(CountermandError):
    """A template names a value that isn't there."""

    def __init__(self, path: str) -> None:
        super().__init__(f"the template needs {path!r}, and there is no such value")
        self.path = path


def filled(
    template: Any, values: Mapping[str, Any], written: Callable[[str], str] = lambda text: text
) -> Any:
    """The template with its holes filled; `written` escapes what goes into longer texts."""
    match template:
        case str():
            return _filled_text(template, values, written)
        case list() | tuple():
            return [filled(each, values, written) for each in template]
        case dict():
            return {name: filled(each, values, written) for name, each in template.items()}
        case _:
            return template


def value_at(path: str, values: Any) -> Any:
    """What a path like `payload.items.0.name` leads to."""
    value = values
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise MissingValue(path)
    return value


def _filled_text(text: str, values: Mapping[str, Any], written: Callable[[str], str]) -> Any:
    whole = _HOLE.fullmatch(text)
    if whole is not None:
        return value_at(whole[1], values)
    return _HOLE.sub(lambda hole: written(as_text(value_at(hole[1], values))), text)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
