"""Takes a run's secrets out of what the run says, before it becomes an event.

Finds them as they were given, in one piece: a handler that spells them backwards gives them away.
"""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from services.secrets.sealing import Secrets

MASK = "***"
SHORTEST_CHARACTERS = 4
"""Anything shorter is in every other word."""


class Mask:
    """Of one run. Without secrets it changes nothing, and costs nothing."""

    def __init__(self, secrets: Secrets | None = None) -> None:
        found = set[str]()
        if secrets is not None:
            found.update(_texts(dict(secrets.named)))
            found.update(_texts(dict(secrets.payload)))
        # The longest first: one secret may be a part of another.
        self._hidden = sorted(
            (text for text in found if len(text) >= SHORTEST_CHARACTERS), key=len, reverse=True
        )

    def text(self, text: str) -> str:
        for hidden in self._hidden:
            text = text.replace(hidden, MASK)
        return text

    def json(self, value: JsonValue) -> JsonValue:
        if not self._hidden:
            return value
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.json(each) for each in value]
            case dict():
                return {self.text(name): self.json(each) for name, each in value.items()}
            case _:
                return value

    def object(self, value: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        masked = self.json(dict(value))
        assert isinstance(masked, dict)
        return masked


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            for each in value.values():
                yield from _texts(each)
        case int() | float() if not isinstance(value, bool):
            yield str(value)
        case _:
            pass
