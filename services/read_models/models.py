"""The door to the read models: how far they have come, whose rows may be asked for, and what the
ledger needs of the history.

Reads see one committed state each. What is written here, only the projector writes.
"""

from collections.abc import Collection, Mapping, Sequence

from events.event import Event
from events.positions import Frontier
from services.read_models.organization import OrganizationView
from services.read_models.rows import MalformedRecord, Page, Snapshot


class ReadModels:
    """The generation in use. One object a process."""

    def of(self, organization: str) -> OrganizationView:
        """Everything that may be asked about one organization."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------- how far

    def frontier(self) -> Frontier:
        """How far the read models are known to have come."""
        raise NotImplementedError

    async def reached(self, frontier: Frontier, timeout_seconds: float) -> bool:
        """Whether the read models cover this frontier, at the latest when the timeout is over.

        Woken by whoever learns that they have moved on; it doesn't poll. For one append:
        `await models.reached(after({}, positions), 5)`.
        """
        raise NotImplementedError

    async def moved(self, beyond: Frontier, timeout_seconds: float) -> Frontier:
        """The frontier as soon as any partition has gone beyond this one, or after the timeout."""
        raise NotImplementedError

    # ---------------------------------------------------------------------- the ledger's history

    async def snapshot(self) -> Snapshot:
        """Where the read models are, and which roots are alive there. Operator-level."""
        raise NotImplementedError

    async def events_of(
        self, keys: Collection[str], before: Frontier
    ) -> Mapping[str, Sequence[Event]]:
        """The events of these roots before a frontier, by log key. Operator-level."""
        raise NotImplementedError

    # -------------------------------------------------------------------------- operator-level

    async def malformed_records(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> Page[MalformedRecord]:
        """Records that are no events, oldest first."""
        raise NotImplementedError
