"""That a region is read one way at a time: from its gateways, its topic, or a copy of that."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from events.positions import BEGINNING, Frontier
from services.control_store.region_news import News
from services.refusals import Conflict
from services.regions.dock import Dock
from services.regions.parcels import Parcel
from services.regions.settings import RegionSettings
from services.world import real_world
from tests.builders.actors import START

URL = {"url": "http://a.example", "key": "k"}
LOG = {"log": {"kafka": "a1:9092"}}
COPY = {"log": {"kafka": "b1:9092", "topic": "a.countermand-history", "is_copy": True}}


class Kept:
    """Copies of a region that has sent nothing before."""

    def __init__(self) -> None:
        self.news: list[News] = []

    async def frontier_before(self, region: str, start: Frontier) -> Frontier:
        return BEGINNING

    async def event_ids(self, region: str, positions: object) -> dict[object, str]:
        return {}

    async def keep(self, news: News, lines: object, known: Frontier) -> None:
        self.news.append(news)


def taken(address: dict[str, Any], *, whole: bool) -> list[News]:
    """What is known of a region with this address once it has sent an empty parcel."""
    kept: Any = Kept()
    nothing: Any = SimpleNamespace(root=None, handed_to=None, at_close=lambda call: None)
    kept.handed_to = None
    dock = Dock(
        "b",
        log=nothing,
        words=nothing,
        reads=nothing,
        verdicts=nothing,
        copies=kept,
        settings=RegionSettings.model_validate({"others": {"a": address}, "carry": True}),
        world=real_world(),
        read_wait_seconds=1.0,
    )
    parcel = Parcel(source="a", start="0:0", end="0:1", read_at=START, whole=whole)
    asyncio.run(dock.take(parcel))
    news: list[News] = kept.news
    return news


@pytest.mark.parametrize(
    ("address", "whole", "way"),
    [
        (URL, False, "its gateways"),
        (LOG, True, "topic countermand-history"),
        (URL | LOG, True, "topic countermand-history"),
        (COPY, True, "a copy, topic a.countermand-history"),
    ],
)
def test_what_is_known_says_from_where(address: dict[str, Any], whole: bool, way: str) -> None:
    assert [each.way for each in taken(address, whole=whole)] == [way]


@pytest.mark.parametrize(("address", "whole"), [(URL, True), (URL | LOG, False), (COPY, False)])
def test_what_comes_another_way_is_refused(address: dict[str, Any], whole: bool) -> None:
    with pytest.raises(Conflict, match="stop the bridge that carries it"):
        taken(address, whole=whole)
