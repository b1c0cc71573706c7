"""That an organization's data stays where it may be, also when two regions are set differently."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from events.event import encode
from events.positions import BEGINNING, Frontier, Position
from services.control_store import region_news
from services.control_store.region_news import CopiedLine, News
from services.control_store.tables import metadata, region_lines
from services.refusals import Conflict
from services.regions.dock import Dock
from services.regions.parcels import Line, Parcel
from services.regions.settings import RegionAddress, RegionSettings
from tests.builders import a_task
from tests.builders.actors import ORGANIZATION, START

BOUND, FREE = ORGANIZATION, "other"
EVENT = a_task().events[0]
PARCEL = Parcel(
    source="a",
    start="0:0",
    end="0:1",
    read_at=START,
    lines=(
        Line(
            partition=0,
            offset=0,
            appended_at_us=0,
            verdict="effective",
            type=EVENT.type,
            organization=BOUND,
            root=EVENT.root,
            event_id=EVENT.id.hex,
            value=encode(EVENT).decode(),
        ),
    ),
)


class Kept:
    """Copies of a region that has sent nothing before."""

    def __init__(self) -> None:
        self.lines: list[CopiedLine] = []

    async def frontier_before(self, region: str, start: Frontier) -> Frontier:
        return BEGINNING

    async def handed_to(self, region: str, line: Line) -> None:
        return None

    async def event_ids(self, region: str, positions: Collection[Position]) -> dict[Position, str]:
        return {}

    async def keep(self, news: News, lines: Collection[CopiedLine], known: Frontier) -> None:
        self.lines += lines


def taken_in_b(allowed: frozenset[str]) -> list[CopiedLine]:
    """What region b keeps of the parcel, if the organization may use these."""
    kept = Kept()
    now: Any = SimpleNamespace(now=lambda: datetime.now(START.tzinfo))
    nothing: Any = SimpleNamespace(
        root=lambda organization, subject: None, at_close=lambda call: None
    )
    copies: Any = kept
    address = RegionAddress.model_validate({"url": "http://a.example", "key": "k"})
    settings = RegionSettings(others={"a": address}, organizations={BOUND: allowed})
    dock = Dock(
        "b",
        log=nothing,
        words=nothing,
        reads=nothing,
        verdicts=nothing,
        copies=copies,
        settings=settings,
        world=now,
        read_wait_seconds=1.0,
    )
    asyncio.run(dock.take(PARCEL))
    return kept.lines


def test_what_may_be_in_both_regions_is_taken() -> None:
    assert len(taken_in_b(frozenset({"a", "b"}))) == 1


@pytest.mark.parametrize("allowed", [{"a"}, {"b"}, {"c"}, set()])
def test_what_may_not_be_in_both_regions_is_not_taken(allowed: set[str]) -> None:
    with pytest.raises(Conflict, match="isn't the same in 'a' and 'b'"):
        taken_in_b(frozenset(allowed))


@pytest.mark.parametrize(
    ("allowed", "left"), [({"a", "b", "c"}, ["a", "c"]), ({"b", "c"}, ["c"]), ({"a"}, [])]
)
def test_what_was_copied_before_an_organization_was_bound_is_forgotten(
    allowed: set[str], left: list[str]
) -> None:
    database = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    metadata.create_all(database)
    with database.begin() as connection:
        for region in ("a", "c"):
            lines = [copied(BOUND, 0), copied(FREE, 1)]
            news = News(region, {0: 2}, 0, 0)
            region_news.keep(connection, news, lines, BEGINNING)

        region_news.forget_all_but(connection, BOUND, "b", allowed)

        assert regions_with(connection, BOUND) == left
        assert regions_with(connection, FREE) == ["a", "c"]


def copied(organization: str, offset: int) -> CopiedLine:
    position = Position(0, offset)
    return CopiedLine(position, organization, "task", "0" * 32, "effective", None, 0, b"")


def regions_with(connection: sa.Connection, organization: str) -> list[str]:
    lines = region_lines
    query = sa.select(lines.c.region).where(lines.c.organization == organization)
    return sorted(connection.execute(query).scalars())
