"""The other regions, as operations see them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from events.positions import Frontier
from services.bridge.http_dock import HttpDock
from services.regions.chained import Gap
from services.regions.copies import Copies
from services.regions.far_log import FarLog
from services.regions.settings import RegionSettings


class Asked(Protocol):
    """Another region, asked directly."""

    async def end(self) -> Frontier:
        """How far its log reaches now."""
        ...


@dataclass(frozen=True, slots=True)
class Regions:
    """What is set, what was copied, and whom to ask for more."""

    settings: RegionSettings
    copies: Copies
    asked: Mapping[str, Asked] = field(default_factory=dict)
    """By region."""
    docks: Mapping[str, HttpDock] = field(default_factory=dict)
    """Of those that have gateways to call."""
    logs: Mapping[str, FarLog] = field(default_factory=dict)
    """Of those whose log is read."""
    troubles: dict[str, BaseException] = field(default_factory=dict)
    """Why nothing comes of a region now, where this process carries itself."""
    leaving_troubles: dict[str, BaseException] = field(default_factory=dict)
    """Why nothing leaves for it. A cut may be of one direction."""

    def gaps(self) -> int:
        """In how many copies of logs, read by this process, something is missing."""
        return sum(isinstance(trouble, Gap) for trouble in self.troubles.values())


def gaps_of(regions: Regions | None) -> Callable[[], int]:
    """The same where there may be no other regions."""
    return (lambda: 0) if regions is None else regions.gaps
