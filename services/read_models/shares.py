"""Projectors of several processes share the partitions: who may write which, on PostgreSQL.

A projector holds locks on its partitions by the same connection that writes, so that whoever loses
the connection loses both. The lock only keeps projectors from getting into each other's way; that
no event counts twice is the checkpoint's doing, whose row is locked and compared in each batch.
Who says nothing for a while loses its session, and others take its partitions.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, true

from projections import tables
from projections.checkpoint import BEGINNING
from services.read_models.database import Database
from services.read_models.session import Session
from services.silence import END_WHEN_SILENT, milliseconds

PARTITIONS, PROJECTORS = 0x0C04_0001, 0x0C04_0002
"""The first numbers of PostgreSQL's locks: a partition's, and each projector's sign of life."""

LOCKED = " ORDER BY partition FOR SHARE OF generation FOR UPDATE OF checkpoints"
"""Behind the question where partitions stand: in this transaction their checkpoints are ours, and
their generation stays in use."""

_COUNT = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_HELD = """
SELECT objid::bigint & 65535 FROM pg_locks JOIN {}.generation ON objid::bigint >> 16 = number
WHERE locktype = 'advisory' AND classid = %s AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Share(NamedTuple):
    """What one of several writers would write."""

    partitions: Sequence[int]
    """Those that may be free, the dearest first."""
    at_most: int
    silence_limit_seconds: float
    """Who holds any of them says something at least so often."""


def take_share(session: Session, share: Share) -> tuple[int, ...]:
    """Lock those that are free, until the session ends; and see that they have checkpoints."""
    session.query(END_WHEN_SILENT, (milliseconds(share.silence_limit_seconds),))
    [(number,)] = session.query("SELECT number FROM generation")
    taken: list[int] = []
    for partition in share.partitions:
        if len(taken) == share.at_most:
            break
        # One number for each generation: in the next one, everybody may begin anew.
        [(free,)] = session.query(
            "SELECT pg_try_advisory_lock(%s, %s)", (PARTITIONS, number << 16 | partition)
        )
        if free:
            taken.append(partition)
            session.run(
                "INSERT INTO checkpoints (partition, next_offset, digest, latest_us) "
                "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (partition, *BEGINNING),
            )
    return tuple(taken)


def stand_of_share(database: Database) -> str:
    """The question where partitions stand; their list is its only parameter."""
    generation, checkpoints = tables.generation, tables.checkpoints
    text = database.compiled(
        select(generation.c.successor, checkpoints).select_from(
            generation.join(checkpoints, true())
        )
    ).text
    return f"{text} WHERE partition = ANY(%s)"


def be_seen(session: Session, silence_limit_seconds: float) -> None:
    """Count as a projector until the session ends."""
    session.query(END_WHEN_SILENT, (milliseconds(silence_limit_seconds),))
    session.query("SELECT pg_advisory_lock_shared(%s, 0)", (PROJECTORS,))


def projectors(session: Session) -> int:
    """How many there are now."""
    [(count,)] = session.query(_COUNT, (PROJECTORS,))
    return int(count)


def held(session: Session, schema: str) -> set[int]:
    """The partitions of this generation that somebody feeds now."""
    return {partition for (partition,) in session.query(_HELD.format(schema), (PARTITIONS,))}
