"""What the native API answers about the history: a line, a page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field
from pydantic_core import from_json

from events.positions import written_position
from events.words import ProjectStatus, Reason, Status, Verdict
from services.gateway.documents import Document, WrittenPosition
from services.read_models.rows import HistoryLine


class HistoryLineDocument(Document):
    """A line of the history: an event, its place, and what it did."""

    position: WrittenPosition
    appended_at: datetime
    about: str
    verdict: Verdict
    reason: Reason | None
    late_seconds: float | None
    status: Status | ProjectStatus | None = Field(description="Of `about`, after this event.")
    event: dict[str, Any] = Field(description="The CloudEvents JSON event as it is in the log.")


class HistoryPage(Document):
    items: tuple[HistoryLineDocument, ...]
    next_cursor: str | None


def line_document(line: HistoryLine) -> HistoryLineDocument:
    event: Mapping[str, Any] = from_json(line.value)
    return HistoryLineDocument(
        position=written_position(line.position),
        appended_at=line.appended_at,
        about=line.about,
        verdict=line.verdict,
        reason=line.reason,
        late_seconds=line.late_seconds,
        status=line.status,
        event=dict(event),
    )
