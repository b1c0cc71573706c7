"""Why an operation said no. What each becomes in HTTP, in which dialect, is said elsewhere.

One base, and attributes that carry the facts; texts say what to do next.
"""

from typing import TYPE_CHECKING

from events.errors import CountermandError, UnknownVersion
from events.positions import Position
from events.words import Reason

if TYPE_CHECKING:
    from services.operations.receipts import Receipt


UPGRADE_SECONDS = 60.0
"""Nobody upgrades sooner."""


class Refused(CountermandError):
    """An operation that wasn't carried out."""


class Unauthenticated(Refused):
    """Nobody we know. The text never says which part was wrong beyond what helps the honest."""


class Forbidden(Refused):
    """A known principal without the permission."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"this needs the permission {permission}: ask an admin for another role")
        self.permission = permission


class NotOperating(Forbidden):
    """What all organizations share is steered by those that operate the service."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.args = (
            "executors are shared by all organizations: only those named in the setting "
            "gateway.operating_organizations steer them",
        )


class NotOperatingRegions(Forbidden):
    """What goes between regions is everybody's."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.args = (
            "a bridge carries what belongs to all organizations: its key is of one of those named "
            "in the setting gateway.operating_organizations",
        )


class NotInThisRegion(Forbidden):
    """An organization whose data stays in other regions."""

    def __init__(self, region: str) -> None:
        super().__init__("regions:use")
        self.args = (
            f"your organization may not use region {region!r}: ask in one that it may use "
            "(the setting regions.organizations)",
        )


class NotFound(Refused):
    """There is no such thing in the caller's organization."""

    def __init__(self, what: str, id: str) -> None:
        super().__init__(f"there is no {what} {id[:200]!r} in your organization")
        self.what = what
        self.id = id


class Conflict(Refused):
    """What was asked for can't be done in the state that there is."""

    def __init__(self, reason: Reason | str, text: str, receipt: "Receipt | None" = None) -> None:
        super().__init__(text)
        self.reason = str(reason)
        self.receipt = receipt


class Invalid(Refused):
    """A request that makes no sense; where, and why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class TooLarge(Refused):
    """More than a limit of the settings allows."""

    def __init__(self, what: str, limit: int, advice: str = "send less at once") -> None:
        super().__init__(f"{what}: at most {limit}; {advice}")
        self.what = what
        self.limit = limit


class TooMany(Refused):
    """Too often, or too many at once."""

    def __init__(self, what: str, retry_after_seconds: float, limit: int | None = None) -> None:
        super().__init__(f"too many {what}: wait {retry_after_seconds:.1f} s")
        self.what = what
        self.retry_after_seconds = retry_after_seconds
        self.limit = limit
        """How many there may be at once, where that is one number."""


class Unavailable(Refused):
    """Something this service needs isn't there now."""

    def __init__(self, text: str, retry_after_seconds: float = 1.0) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class StandsStill(Unavailable):
    """What is behind an event of a newer release; nobody here can say what became of it."""

    def __init__(self, position: Position, why: UnknownVersion) -> None:
        super().__init__(
            f"partition {position.partition} stands at offset {position.offset}: {why}. What is "
            "behind it can't be looked up before that; asking again doesn't help",
            UPGRADE_SECONDS,
        )
        self.position = position
        self.why = why
