"""To which judge a record goes: all of one root go to the same.

To read every record for it would be a quarter of what is to be shared out. So the root is looked
for in the bytes, where whoever wrote them as we do has put it; what was written otherwise is read.
"""

import re
from typing import NamedTuple
from zlib import crc32

from events.ids import log_key
from events.log import Record
from projections.entry import decoded

WRITTEN_BY_US = re.compile(rb'"organization":"([^"]*)","root":"([^"]*)"')
NAME, ESCAPE, ESCAPED = b'"root"', b"\\", b"\\u"


class Dealt(NamedTuple):
    """What is known of a record that wasn't read."""

    root: bytes
    """Exactly that of its event, if there is one in it."""
    key: str
    """Most probably that of its event."""


def dealt(record: Record) -> Dealt:
    """Raises `UnknownVersion`."""
    value = record.value
    written = WRITTEN_BY_US.search(value)
    # A name in JSON may be said twice, or by escapes: then it isn't sure that this is it.
    if (
        written is None
        or value.count(NAME) != 1
        or (ESCAPE in value and ESCAPED in value)  # One byte is looked for much faster than two.
    ):
        return read(record)
    organization, root = written.groups()
    return Dealt(
        root, log_key(organization.decode(errors="replace"), root.decode(errors="replace"))
    )


def read(record: Record) -> Dealt:
    """Of what is no event, any root will do."""
    one = decoded(record)
    return Dealt(b"" if one.event is None else one.event.root.encode(), one.key)


def share(root: bytes, shares: int) -> int:
    return crc32(root) % shares
