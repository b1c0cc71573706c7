"""A fold with one rule changed: its modules loaded once more, beside the real ones."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType

from tests.builders import folding
from tests.builders.folding import Fold

EVENTS = Path(__file__).parents[2] / "events"

FILES = [
    "state.py",
    "outcome.py",
    "rules/stopping.py",
    "rules/ending.py",
    "rules/submitting.py",
    "rules/running.py",
    "rules/cancelling.py",
    "rules/reviving.py",
    "rules/projects.py",
    "rules/regions.py",
    "fold.py",
]
"""All that decides, each after what it imports. The events themselves stay the same, so that
histories needn't be made anew."""


class NoLongerApplies(Exception):
    """The text that a mutation changes isn't in its file, or is there more than once."""


def source_of(file: str) -> str:
    return (EVENTS / file).read_text()


def replaced(source: str, old: str, new: str) -> str:
    if source.count(old) != 1:
        raise NoLongerApplies(f"{source.count(old)} times in the source: {old!r}")
    return source.replace(old, new)


def loaded(file: str, source: str) -> Fold:
    """The fold with this source in the place of the file's own."""
    assert file in FILES
    names = {each: f"events.{each.removesuffix('.py').replace('/', '.')}" for each in FILES}
    real = {name: sys.modules[name] for name in names.values()}
    try:
        for each, name in names.items():
            module = sys.modules[name] = ModuleType(name)
            code = compile(source, file, "exec") if each == file else _code_of(each)
            exec(code, module.__dict__)
        changed = {name: vars(sys.modules[name]) for name in names.values()}
    finally:
        sys.modules.update(real)
    return Fold(
        evolve=changed["events.fold"]["evolve"],
        apply=changed["events.outcome"]["apply"],
        new_root=changed["events.state"]["Root"],
    )


@cache
def _code_of(file: str) -> CodeType:
    return compile(source_of(file), file, "exec")


@contextmanager
def folding_with(fold: Fold) -> Iterator[None]:
    """Histories told in here are folded with it."""
    real, folding.the_fold = folding.the_fold, fold
    try:
        yield
    finally:
        folding.the_fold = real
