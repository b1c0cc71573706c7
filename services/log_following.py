"""Follows a log for as long as it takes: behind an outage it goes on from where it was.

Who follows has nothing better to do than to wait: ending would end every run of an executor, and
every caller's stream, for something that passes.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

import structlog

from events.errors import LogUnavailable
from events.log import Record
from events.positions import Frontier
from services.voice import REPEAT_AFTER_AT_MOST_SECONDS, REPEAT_AFTER_SECONDS

log = structlog.get_logger(__name__)


class Followed(Protocol):
    """A log, or a part of one."""

    def follow(
        self, start: Frontier, limit: int = 1000
    ) -> AsyncGenerator[Sequence[Record], None]: ...


async def follow_on(
    followed: Followed, start: Frontier, limit: int = 1000
) -> AsyncGenerator[Sequence[Record], None]:
    """What `follow` gives, also behind an outage; whoever can't wait cancels."""
    frontier = dict(start)
    pause = REPEAT_AFTER_SECONDS
    while True:
        try:
            async with aclosing(followed.follow(dict(frontier), limit)) as batches:
                async for records in batches:
                    for record in records:
                        partition, offset = record.position
                        frontier[partition] = max(offset + 1, frontier.get(partition, 0))
                    pause = REPEAT_AFTER_SECONDS
                    yield records
        except LogUnavailable as error:
            log.warning("the log can't be followed; trying again", why=str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, REPEAT_AFTER_AT_MOST_SECONDS)
