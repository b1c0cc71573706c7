"""Look at the pulse: of the caller's organization only."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from projections.pulse.picture import Picture
from services.operations.scope import Scope
from services.permissions import Permission
from services.refusals import Unavailable

Pictures: TypeAlias = Callable[[str], Awaitable[Picture]]
"""The picture of an organization, from wherever the pulse is kept."""


async def look(scope: Scope, pictures: Pictures | None) -> Picture:
    scope.need(Permission.TASKS_READ)
    if pictures is None:
        raise Unavailable("no pulse is kept where this gateway runs: ask another one")
    return await pictures(scope.organization)
