"""Events between regions: what one of them has taken for another to decide."""

from typing import ClassVar

from events.body import Body, JsonObject, Name, Region


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
