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
ALIKE = 0.8
"""Of 1: two letters that changed places, one that is missing."""


class UnknownVariable(CountermandError):
    """A variable that looks like a setting, and is none."""

    def __init__(self, name: str, said: str, what: str, known: Iterable[str]) -> None:
        super().__init__(f"{name}: there is no {what} {said!r}{meant(said, known)}")
        self.name = name


def check_variables(settings: type[BaseModel]) -> None:
    """A variable that is like none of ours may be somebody else's, e.g. an orchestrator's, unless
    it has a section."""
    known = settings.model_fields
    for name in sorted(os.environ):
        if not name.upper().startswith(PREFIX):
            continue
        said, *nested = name[len(PREFIX) :].lower().split(NESTED)
        if said in known:
            continue
        if nested:
            raise UnknownVariable(name, said, "section", known)
        if get_close_matches(said, known, n=1, cutoff=ALIKE):
            raise UnknownVariable(name, said, "setting", known)


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
