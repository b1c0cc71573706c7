"""Projectors of several processes share the partitions: who may write which, on PostgreSQL.

A projector holds a lock on its partition by the same connection that writes, so that whoever loses
the connection loses both. The lock only keeps projectors from getting into each other's way; that
no event counts twice is the checkpoint's doing, whose row is locked and compared in each batch.
Who says nothing for a while loses its session, and others take its partitions.
"""

from typing import NamedTuple

from sqlalchemy import select, true

from projections import tables
from projections.checkpoint import BEGINNING
from services.read_models.database import Database
from services.read_models.errors import ShareTaken
from services.read_models.session import Session
from services.silence import END_WHEN_SILENT, milliseconds

PARTITIONS, PROJECTORS = 0x0C04_0001, 0x0C04_0002
"""The first numbers of PostgreSQL's locks: a partition's, and each projector's sign of life."""

LOCKED = " FOR SHARE OF generation FOR UPDATE OF checkpoints"
"""Behind the question where a partition stands: in this transaction its checkpoint is ours, and its
generation stays in use."""

_COUNT = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Share(NamedTuple):
    """What one of several writers writes."""

    partition: int
    silence_limit_seconds: float
    """Who holds it says something at least so often."""


def take_share(session: Session, share: Share) -> None:
    """Lock this partition until the session ends, and make sure that it has a checkpoint."""
    partition = share.partition
    session.query(END_WHEN_SILENT, (milliseconds(share.silence_limit_seconds),))
    [(number,)] = session.query("SELECT number FROM generation")
    # One number for each generation: in the next one, everybody may begin anew.
    [(taken,)] = session.query(
        "SELECT pg_try_advisory_lock(%s, %s)", (PARTITIONS, number << 16 | partition)
    )
    if not taken:
        raise ShareTaken(partition)
    session.run(
        "INSERT INTO checkpoints (partition, next_offset, digest, latest_us) "
        "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (partition, *BEGINNING),
    )


def stand_of_share(database: Database, partition: int) -> str:
    """The question where this partition stands."""
    generation, checkpoints = tables.generation, tables.checkpoints
    text = database.compiled(
        select(generation.c.successor, checkpoints).select_from(
            generation.join(checkpoints, true())
        )
    ).text
    return f"{text} WHERE partition = {partition:d}"


def be_seen(session: Session, silence_limit_seconds: float) -> None:
    """Count as a projector until the session ends."""
    session.query(END_WHEN_SILENT, (milliseconds(silence_limit_seconds),))
    session.query("SELECT pg_advisory_lock_shared(%s, 0)", (PROJECTORS,))


def projectors(session: Session) -> int:
    """How many there are now."""
    [(count,)] = session.query(_COUNT, (PROJECTORS,))
    return int(count)
