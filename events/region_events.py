"""Events between regions: what one of them has taken for another to decide, and roots that move."""

from typing import ClassVar

from events.body import Body, JsonObject, Name, Ordinal, Region
from events.task_events import TaskSubmitted


class RequestAddressed(Body):
    """Appended by a gateway to its own log: a request for something whose home is elsewhere.

    From then on it is accepted here, and will be carried there; what it does, the home region's
    log decides.
    """

    TYPE: ClassVar[str] = "countermand.request.addressed.v1"

    home: Region
    request: Name
    """The type tag of the event that the home region is to append."""
    fields: JsonObject
    """The fields of that event's body, but for those that every body has."""


class RootHandedOver(Body):
    """Appended to the log of a root's home, for another region that has asked for it.

    From then on that region decides about it, and what is asked for here is forwarded there. Who
    appends it says what is handed over, so that nothing is lost on the way; if that isn't what the
    log says, nothing is.
    """

    TYPE: ClassVar[str] = "countermand.root.handed-over.v1"

    to: Region
    move: Ordinal | None = None
    """Which move of this root it is."""
    task: TaskSubmitted | None = None
    """Its one task. Both are filled in at its home."""


class RootTakenOver(Body):
    """Appended to the log of a root's new home, once the old one has handed it over.

    From then on the root is decided here, and its task may start here.
    """

    TYPE: ClassVar[str] = "countermand.root.taken-over.v1"

    former_home: Region
    move: Ordinal
    task: TaskSubmitted
    """As it was submitted, but for its region."""
