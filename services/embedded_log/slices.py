"""Reading in the event loop, and leaving it to others every now and then (docs/decisions/0010)."""

import asyncio

from events.log import Record
from services.embedded_log.limits import Limits
from services.embedded_log.stream import Stream


async def read_slices(
    stream: Stream, offset: int, end: int, limit: int, limits: Limits
) -> list[Record]:
    """Up to `limit` records from `offset` on, none at `end` or beyond it; bounded in bytes too."""
    if limit < 1:
        raise ValueError(f"limit is {limit}: ask for one record at least")
    stream.check_open()
    records: list[Record] = []
    size_bytes = 0
    stop = min(end, offset + limit)
    while offset < stop and size_bytes < limits.read_limit_bytes:
        part = stream.select(offset, stop, limits.read_slice_records)
        records += part
        offset += len(part)
        size_bytes += sum(len(record.value) for record in part)
        if len(part) == limits.read_slice_records:
            await asyncio.sleep(0)
    return records
