"""Where a log ends, asked for as long as it takes: a service may start while the log is away."""

import stamina

from events.errors import LogUnavailable
from events.log import LogReader
from events.positions import Frontier
from services.voice import REPEAT_AFTER_AT_MOST_SECONDS, REPEAT_AFTER_SECONDS


async def end_of(log: LogReader) -> Frontier:
    """The end of the log at some moment during this call; whoever can't wait cancels."""
    try:
        return await log.end()
    except LogUnavailable:
        return await _end_at_last(log)


@stamina.retry(
    on=LogUnavailable,
    attempts=None,
    timeout=None,
    wait_initial=REPEAT_AFTER_SECONDS,
    wait_max=REPEAT_AFTER_AT_MOST_SECONDS,
    wait_jitter=0,
)
async def _end_at_last(log: LogReader) -> Frontier:
    return await log.end()
