"""Who speaks in these histories, when they begin, and whose they are."""

from datetime import UTC, datetime
from uuid import UUID

from events.body import Actor
from events.ids import derived_id

ORGANIZATION = "acme"
START = datetime(2026, 1, 1, tzinfo=UTC)

USER = Actor(kind="user", id="ada", organization=ORGANIZATION, authenticated_by="api_key")
GATEWAY = Actor(kind="service", id="gateway", organization=ORGANIZATION)
WATCHDOG = Actor(kind="watchdog", id="watchdog", organization=ORGANIZATION)


def executor(name: str) -> Actor:
    return Actor(kind="executor", id=name, organization=ORGANIZATION)


def run_of(task_id: str, attempt: int = 1, by: str = "executor-1") -> UUID:
    """The id that these histories give to the run of a claim."""
    return derived_id("run", task_id, attempt, by)
