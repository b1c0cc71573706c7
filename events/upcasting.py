"""How events of older versions are read.

A version that was ever written stays readable: its upcaster turns its JSON object into that of the
next version, step by step, until the tag is one of the vocabulary. Stored bytes are never touched.
An upcaster changes form, not meaning: a changed rule of the fold is a new version with a branch of
its own. A version that was ever written never gets, loses or changes a field, not even an optional
one: readers of the release before would take it for malformed instead of stopping at it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

JsonDict: TypeAlias = dict[str, Any]
Upcasters: TypeAlias = Mapping[str, Callable[[JsonDict], JsonDict]]

UPCASTERS: Upcasters = {}
"""By the tag they read. Empty, as every version written so far is current."""


def upcast(event: JsonDict, upcasters: Upcasters) -> JsonDict:
    """The same event in the newest version that the upcasters lead to."""
    for _ in range(len(upcasters)):
        step = upcasters.get(event["type"])
        if step is None:
            break
        event = step(event)
    return event
