"""Who may do what: one model for every way in.

A principal has permissions; roles are names for sets of them, and the settings may say more of
those. Owns the words; must not know how a principal proved who it is.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Literal, NamedTuple

from events.body import Actor


class Permission(StrEnum):
    """One thing that somebody may do in their organization."""

    TASKS_READ = "tasks.read"
    """Tasks, projects, histories, receipts, streams: everything that only looks."""
    TASKS_SUBMIT = "tasks.submit"
    TASKS_CANCEL = "tasks.cancel"
    TASKS_STEER = "tasks.steer"
    """Approve, retry, skip; plan, pause, resume."""
    OPERATE = "operate"
    """Executors, webhooks, bulk work, exports."""
    REGIONS_CARRY = "regions.carry"
    """Carry requests and news of all organizations between regions: a bridge's, and nobody's who
    works in an organization."""


EVERYTHING = frozenset(Permission) - {Permission.REGIONS_CARRY}
"""In one organization."""

ROLES: dict[str, frozenset[Permission]] = {
    "admin": EVERYTHING,
    "operator": EVERYTHING - {Permission.OPERATE},
    "submitter": frozenset({Permission.TASKS_READ, Permission.TASKS_SUBMIT}),
    "canceller": frozenset({Permission.TASKS_READ, Permission.TASKS_CANCEL}),
    "auditor": frozenset({Permission.TASKS_READ}),
    "bridge": frozenset({Permission.REGIONS_CARRY}),
}


class Principal(NamedTuple):
    """The authenticated caller."""

    kind: Literal["user", "service"]
    id: str
    organization: str
    permissions: frozenset[Permission]
    authenticated_by: Literal["api_key", "jwt", "session", "internal"]
    on_behalf_of: str | None = None

    def actor(self) -> Actor:
        """The caller as events name it."""
        return _actor(self)


@lru_cache(maxsize=10_000)
def _actor(principal: Principal) -> Actor:
    return Actor(
        kind=principal.kind,
        id=principal.id,
        organization=principal.organization,
        authenticated_by=principal.authenticated_by,
        on_behalf_of=principal.on_behalf_of,
    )


def permitted(
    roles: Iterable[str], known: Mapping[str, frozenset[Permission]]
) -> frozenset[Permission]:
    """What these roles allow together; a role that isn't known allows nothing."""
    return frozenset().union(*(known.get(role, frozenset()) for role in roles))
