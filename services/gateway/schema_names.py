"""Names of schemas in the OpenAPI document, for those who generate clients from it.

Where two classes have one name, the framework puts their modules' paths in front: how our folders
are called is nobody's business outside, and changes. Knows folders' names; must not know routes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

PARTS = "__"
"""What the framework joins the parts of a path with."""
REFERENCE = "#/components/schemas/"


def with_plain_names(document: dict[str, Any]) -> dict[str, Any]:
    """The same document, with names that say whose a schema is only where two would be one."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    plain = plain_names(schemas)
    renamed: dict[str, Any] = _renamed(document, plain)
    named = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {plain.get(name, name): named[name] for name in named}
    return renamed


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """By the names that the framework made: of the native API the class's alone, of a dialect with
    the dialect's in front; with the module's, too, where a dialect has two of a name."""
    names = list(names)
    made = [name for name in names if PARTS in name]
    taken = set(names) - set(made)
    plain: dict[str, str] = {}
    for name in made:
        short = _plain(name, with_module=False)
        alone = sum(_plain(other, with_module=False) == short for other in made) == 1
        plain[name] = short if alone else _plain(name, with_module=True)
    assert len({*plain.values(), *taken}) == len(names), "two schemas of one name"
    return plain


def _plain(name: str, *, with_module: bool) -> str:
    *folders, module, its_class = name.split(PARTS)
    whose = folders[folders.index("dialects") + 1 :] if "dialects" in folders else []
    words = [*whose, module] if with_module else whose
    return "".join(map(_capitalized, words)) + its_class


def _capitalized(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))


def _renamed(value: Any, plain: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(each, plain) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: REFERENCE + plain.get(_referred(each), _referred(each))
        if key == "$ref" and isinstance(each, str)
        else _renamed(each, plain)
        for key, each in value.items()
    }


def _referred(reference: str) -> str:
    return reference.removeprefix(REFERENCE)
