"""Settings whose names nobody knows: what was probably meant.

What is spelled wrong would be as if it hadn't been said. Repeats names, never values: those may be
secrets.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from events.errors import CountermandError

PREFIX = "COUNTERMAND_"
NESTED = "__"
UNKNOWN = "extra_forbidden"


class UnknownVariable(CountermandError):
    """A variable that looks like a setting, of a section that there isn't."""

    def __init__(self, name: str, section: str, sections: Iterable[str]) -> None:
        super().__init__(f"{name}: there is no section {section!r}{meant(section, sections)}")
        self.name = name


def check_variables(settings: type[BaseModel]) -> None:
    """Of variables with a section. Others may be somebody else's, e.g. an orchestrator's."""
    sections = settings.model_fields
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and NESTED in name:
            section = name[len(PREFIX) :].split(NESTED)[0].lower()
            if section not in sections:
                raise UnknownVariable(name, section, sections)


def refusals(error: ValidationError, settings: type[BaseModel], within: str = "") -> list[str]:
    """A line for each setting that is refused. `within`: the section that `settings` is."""
    lines = []
    for each in error.errors(include_url=False, include_input=False):
        path = each["loc"]
        where = ".".join(str(part) for part in (within, *path) if part != "")
        if each["type"] == UNKNOWN:
            known = names_at(settings, path[:-1])
            lines.append(f"setting {where}: there is no such one{meant(str(path[-1]), known)}")
        else:
            lines.append(f"setting {where}: {each['msg']}" if where else each["msg"])
    return lines


def meant(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name.lower(), names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(names)}" if names else ""


def names_at(kind: Any, path: Sequence[str | int]) -> frozenset[str]:
    """The fields of the model that this path of a document leads to."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if not path:
            return frozenset(kind.model_fields)
        field = kind.model_fields.get(str(path[0]))
        return frozenset() if field is None else names_at(field.annotation, path[1:])
    inner, origin = get_args(kind), get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return names_at(inner[1], path[1:])
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return names_at(inner[0], path[1:])
    return frozenset[str]().union(*(names_at(each, path) for each in inner))
