"""What a bridge asks of this region, and who may: one key opens all organizations' histories."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import NamedTuple

from events.positions import Frontier
from projections.moments import us
from services.bridge.crossing import why_of
from services.operations.certainty import end_within
from services.operations.scope import Scope
from services.permissions import Permission
from services.refusals import Forbidden, NotOperatingRegions
from services.regions.dock import Dock
from services.regions.parcels import Parcel


class Known(NamedTuple):
    """Another region, and how old what is known of it is."""

    region: str
    known_at_us: int | None
    heard_at_us: int | None
    age_seconds: float | None
    trouble: str | None = None
    """Why nothing comes of it now, as far as this process knows."""
    leaving_trouble: str | None = None
    """Why nothing leaves for it."""


def need_to_carry(scope: Scope) -> None:
    scope.need(Permission.REGIONS_CARRY)
    if scope.organization not in scope.parts.settings.operating_organizations:
        raise NotOperatingRegions(Permission.REGIONS_CARRY)


async def end(scope: Scope, dock: Dock) -> Frontier:
    need_to_carry(scope)
    return await end_within(scope, dock)


def parcels(
    scope: Scope, dock: Dock, target: str, start: Frontier, wait_seconds: float
) -> AsyncGenerator[Parcel, None]:
    need_to_carry(scope)
    return dock.parcels(target, start, wait_seconds)


async def taken(scope: Scope, dock: Dock, source: str) -> Frontier:
    need_to_carry(scope)
    return await dock.taken(source)


async def take(scope: Scope, dock: Dock, parcel: Parcel) -> None:
    need_to_carry(scope)
    await dock.take(parcel)


async def known(scope: Scope) -> Sequence[Known]:
    """The other regions that the caller's organization may use, and how old their news are."""
    if not scope.principal.permissions & {Permission.TASKS_READ, Permission.REGIONS_CARRY}:
        raise Forbidden(Permission.TASKS_READ)
    regions = scope.parts.regions
    if regions is None:
        return []
    news, now_us = await regions.copies.news(), us(scope.now())
    found = []
    for region in sorted(regions.settings.others):
        if not regions.settings.may_use(scope.organization, region):
            continue
        last = news.get(region)
        troubles = why(regions.troubles, region), why(regions.leaving_troubles, region)
        if last is None:
            found.append(Known(region, None, None, None, *troubles))
            continue
        age_seconds = max(0.0, (now_us - last.heard_at_us) / 1_000_000)
        found.append(Known(region, last.read_at_us, last.heard_at_us, age_seconds, *troubles))
    return found


def why(troubles: Mapping[str, BaseException], region: str) -> str | None:
    error = troubles.get(region)
    return None if error is None else why_of(error)
