"""What callers may ask of a cancel of many tasks, with the bounds of each field."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, StringConstraints

from events.body import Moment, Name, Region, Seconds, SubjectId, Text
from events.task_events import Labels
from events.words import Mode, Status
from services.operations.requests import Request
from services.read_models.questions import Selected
from services.refusals import Invalid

Cancellable = Literal["pending", "running", "waiting"]
ActorName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z_]{1,16}:.+$", max_length=300),
    Field(description="Who submitted it, as kind:id.", examples=["user:ann"]),
]


class BulkWhere(Request):
    """Which tasks: all that is said must hold. Only what hasn't ended can be meant."""

    project: SubjectId | None = None
    kind: Name | None = Field(None, description="The handler.")
    labels: Labels = {}
    actor: ActorName | None = None
    status: Annotated[tuple[Cancellable, ...], Field(max_length=3)] = ()
    region: Region | None = None
    older_than_seconds: Seconds | None = Field(None, description="Submitted longer ago than this.")
    younger_than_seconds: Seconds | None = None
    created_from: Moment | None = None
    created_before: Moment | None = None

    def selected(self, now: datetime) -> Selected:
        """The filter with its ages counted from now."""
        if not self.model_dump(exclude_defaults=True):
            raise Invalid(
                "where",
                "name at least one condition; all three statuses mean every task that hasn't ended",
            )
        starts, ends = [self.created_from], [self.created_before]
        try:
            if self.younger_than_seconds is not None:
                starts.append(now - timedelta(seconds=self.younger_than_seconds))
            if self.older_than_seconds is not None:
                ends.append(now - timedelta(seconds=self.older_than_seconds))
        except OverflowError:
            raise Invalid("where", "an age that no task can have") from None
        kind, _, id = (self.actor or "").partition(":")
        return Selected(
            status={Status(each) for each in self.status or ("pending", "running", "waiting")},
            project=self.project,
            kind=self.kind,
            labels=self.labels,
            actor=(kind, id) if self.actor else None,
            region=self.region,
            created_from=max((each for each in starts if each), default=None),
            created_before=min((each for each in ends if each), default=None),
        )


class BulkPreviewRequest(Request):
    """What would be cancelled."""

    where: BulkWhere
    cap: PositiveInt | None = Field(
        None, description="More tasks than this are refused; there is a default and a limit."
    )


class BulkCancelRequest(Request):
    """Cancel what a preview has selected."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="Of a preview."
    )
    reason: Text = Field("", description="Why; it is kept in the history of every task.")
    mode: Mode = Mode.GRACEFUL
    grace_seconds: Seconds | None = Field(None, description="Without one, each task's own.")
    per_second: PositiveFloat | None = Field(
        None, description="How many tasks a second, at most; there is a default and a limit."
    )
