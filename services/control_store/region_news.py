"""What other regions have decided, as far as it came here, and how far that is. Plain functions
over a connection."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from events.errors import CountermandError
from events.positions import BEGINNING, Frontier, Position, read_frontier, written_frontier
from services.control_store.tables import region_lines, region_news


class News(NamedTuple):
    """How far what another region has said is known here."""

    region: str
    frontier: Frontier
    read_at_us: int
    """By that region's clock."""
    heard_at_us: int
    """By ours."""
    way: str | None = None
    """From where it was read: the frontier counts there, and nowhere else. None: not known."""


class CopiedLine(NamedTuple):
    """One line of another region's history."""

    position: Position
    organization: str
    root: str
    event_id: str
    verdict: str
    reason: str | None
    appended_at_us: int
    value: bytes


class TakenMeanwhile(CountermandError):
    """Somebody else has taken a parcel of the same region: look how far that went."""


class AnotherLog(CountermandError):
    """A region says something else than it did at the same place, or nothing any more."""

    def __init__(
        self, region: str, position: Position, says: str = "something else than it did before"
    ) -> None:
        super().__init__(
            f"region {region!r} says at {position.partition}:{position.offset} {says}: its log "
            "isn't the one that was copied. Restore its log, or forget what "
            f"was copied (`countermand regions forget {region}`)"
        )


class ReadAnotherWay(CountermandError):
    """A region is to be read from somewhere else than what was copied of it."""

    def __init__(self, region: str, before: str, now: str) -> None:
        super().__init__(
            f"region {region!r} was read from {before} until now, and is to be read from {now}: "
            "that would skip some of it, or say it twice. Set its address back "
            f"(regions.others.{region}), or stop this region's gateways and bridges, have what was "
            f"copied forgotten (`countermand regions forget {region}`), and start them again"
        )


VALUES_AT_ONCE = 100
OF_CLUSTER = " of cluster "
"""No name of a topic has a space."""


# Built once: each caller who waits for another region's verdict asks these two, and to build them
# takes longer than to answer them.
OF_REGION = sa.select(region_news).where(region_news.c.region == sa.bindparam("of_region"))
OF_ROOT = (
    sa.select(region_lines)
    .where(
        region_lines.c.organization == sa.bindparam("of_organization"),
        region_lines.c.root == sa.bindparam("of_root"),
        region_lines.c.region == sa.bindparam("of_region"),
    )
    .order_by(region_lines.c.partition, region_lines.c.offset)
)
SOME_OF_ROOT = OF_ROOT.limit(sa.bindparam("at_most", type_=sa.Integer))


def of(connection: sa.Connection, region: str) -> News | None:
    row = connection.execute(OF_REGION, {"of_region": region}).first()
    return None if row is None else _news(row)


def all_of_them(connection: sa.Connection) -> list[News]:
    return [_news(row) for row in connection.execute(sa.select(region_news))]


def in_cluster(way: str, cluster: str | None) -> str:
    """Where a topic is read: brokers tell which cluster they are, addresses don't."""
    return way if cluster is None else f"{way}{OF_CLUSTER}{cluster}"


def check_way(news: News | None, way: str) -> None:
    """Raises `ReadAnotherWay`. Where the cluster isn't known, that it is another one isn't, too."""
    if news is None or news.way is None:
        return
    (before, _, cluster_before), (now, _, cluster) = (
        each.partition(OF_CLUSTER) for each in (news.way, way)
    )
    if before != now or (cluster_before and cluster and cluster_before != cluster):
        raise ReadAnotherWay(news.region, news.way, way)


def keep(
    connection: sa.Connection, news: News, lines: Sequence[CopiedLine], known: Frontier
) -> None:
    """These lines, and that everything up to there is known; `known` is how far it was before."""
    table = region_news
    mine = table.c.region == news.region
    row = connection.execute(sa.select(table).where(mine).with_for_update()).first()
    if row is not None and news.way is not None:
        check_way(_news(row), news.way)
    if (BEGINNING if row is None else read_frontier(row.frontier)) != known:
        raise TakenMeanwhile(f"another bridge carries {news.region!r}, too")
    rows = [{"region": news.region, **_columns(line)} for line in lines]
    if rows:
        connection.execute(region_lines.insert(), rows)
    values = {**news._asdict(), "frontier": written_frontier(news.frontier)}
    if row is None:
        connection.execute(table.insert().values(**values))
    else:
        connection.execute(table.update().where(mine).values(**values))


def event_ids(
    connection: sa.Connection, region: str, positions: Collection[Position]
) -> dict[Position, str]:
    """Of the lines that are there at these positions."""
    table = region_lines
    found: dict[Position, str] = {}
    wanted = frozenset(positions)
    for partition in {each.partition for each in wanted}:
        offsets = [each.offset for each in wanted if each.partition == partition]
        query = sa.select(table.c.offset, table.c.event_id).where(
            table.c.region == region,
            table.c.partition == partition,
            table.c.offset.between(min(offsets), max(offsets)),
        )
        found |= {Position(partition, offset): id for offset, id in connection.execute(query)}
    return {position: id for position, id in found.items() if position in wanted}


def has_event(connection: sa.Connection, region: str, event_id: str) -> bool:
    """Whether a line of this event was copied."""
    table = region_lines
    query = sa.select(table.c.offset).where(table.c.event_id == event_id, table.c.region == region)
    return connection.execute(query.limit(1)).first() is not None


def regions_of(connection: sa.Connection, organization: str, root: str) -> list[str]:
    """The regions that have decided something about this root; the one that did so last, first."""
    table = region_lines
    last = sa.func.max(table.c.appended_at_us)
    query = (
        sa.select(table.c.region)
        .where(
            table.c.organization == organization,
            table.c.root == root,
            table.c.verdict == "effective",
        )
        .group_by(table.c.region)
        .order_by(last.desc())
    )
    return list(connection.execute(query).scalars())


def of_root(
    connection: sa.Connection, organization: str, region: str, root: str, limit: int | None
) -> list[CopiedLine]:
    """In the order of that region's log."""
    asked = {"of_organization": organization, "of_root": root, "of_region": region}
    if limit is None:
        found = connection.execute(OF_ROOT, asked)
    else:
        found = connection.execute(SOME_OF_ROOT, {**asked, "at_most": limit})
    return [_line(row) for row in found]


def values_before(
    connection: sa.Connection, organization: str, region: str, root: str, position: Position
) -> list[tuple[Position, str, bytes]]:
    """What was said about a root before that position, with its verdict: the newest first."""
    table = region_lines
    query = (
        sa.select(table.c.partition, table.c.offset, table.c.verdict, table.c.value)
        .where(
            table.c.organization == organization,
            table.c.root == root,
            table.c.region == region,
            table.c.partition == position.partition,
            table.c.offset < position.offset,
        )
        .order_by(table.c.offset.desc())
        .limit(VALUES_AT_ONCE)
    )
    return [(Position(p, o), verdict, value) for p, o, verdict, value in connection.execute(query)]


def forget(connection: sa.Connection, region: str) -> int:
    """Everything that was copied of a region; it comes again from the beginning."""
    connection.execute(region_news.delete().where(region_news.c.region == region))
    return connection.execute(region_lines.delete().where(region_lines.c.region == region)).rowcount


def forget_all_but(
    connection: sa.Connection, organization: str, here: str, allowed: Collection[str]
) -> int:
    """Everything that was copied of an organization between regions that it may not use."""
    table = region_lines
    mine = table.c.organization == organization
    elsewhere = mine if here not in allowed else mine & table.c.region.not_in(sorted(allowed))
    return connection.execute(table.delete().where(elsewhere)).rowcount


def _news(row: sa.Row[Any]) -> News:
    frontier = read_frontier(row.frontier)
    return News(row.region, frontier, row.read_at_us, row.heard_at_us, row.way)


def _columns(line: CopiedLine) -> dict[str, Any]:
    columns = line._asdict()
    partition, offset = columns.pop("position")
    return {"partition": partition, "offset": offset, **columns}


def _line(row: sa.Row[Any]) -> CopiedLine:
    return CopiedLine(
        Position(row.partition, row.offset),
        row.organization,
        row.root,
        row.event_id,
        row.verdict,
        row.reason,
        row.appended_at_us,
        row.value,
    )
