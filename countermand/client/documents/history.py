"""What has happened: as lines, as frames of a stream, as rows of an export."""

from typing import Any, NamedTuple, TypedDict


class HistoryLine(TypedDict):
    """A line of the history."""

    position: str
    appended_at: str
    about: str
    verdict: str
    reason: str | None
    late_seconds: float | None
    status: str | None
    event: dict[str, Any]


class Frame(NamedTuple):
    """One thing a stream says; give `id` back as `after` to go on behind it."""

    event: str
    id: str
    data: dict[str, Any]


class ExportedRow(NamedTuple):
    """A whole row of an export: a line of JSON, or a row of CSV."""

    data: bytes
    position: str | None
    """Of its event; None: the names of the columns, or the closing line of JSON Lines."""
    end: str
    """The frontier at which the export ends."""
