"""Who is asking, for which organization, and about which of its provider's sites.

The checks come in NICo's own order: token, membership, role, provider, then what was sent.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import jwt
from fastapi import Depends, Request

from services.gateway.callers import Caller, authenticated, calling
from services.gateway.desk import Desk, desk_of
from services.gateway.dialects.ids import is_uuid
from services.gateway.dialects.nico.records import SITE_LABEL
from services.gateway.dialects.nico.refusing import NO_ADMIN, Said
from services.gateway.dialects.settings import NicoSettings, Site
from services.gateway.jwt_tokens import looks_like_jwt
from services.permissions import Permission, Principal, permitted
from services.read_models.rows import Task
from services.refusals import Unauthenticated

ADMIN, VIEWER = "PROVIDER_ADMIN", "PROVIDER_VIEWER"
INVALID_SITE_ID = "Failed to validate Site specified in request: invalid ID"


class Place(NamedTuple):
    """A site of the caller's provider."""

    id: str
    site: Site
    region: str

    def has(self, task: Task) -> bool:
        """Sites may share a region; what was made for one of them isn't another's."""
        made_for = task.spec.labels.get(SITE_LABEL, self.id.lower())
        return task.region == self.region and made_for == self.id.lower()


async def caller(request: Request, org: str) -> Caller:
    """A JWT with roles by organization, or a key of ours."""
    desk = desk_of(request)
    header = request.headers.get("authorization")
    if header is None:
        raise Said(401, "Request is missing authorization header")
    parts = header.split()
    if len(parts) != 2 or parts[0].lower() != "bearer":
        raise Said(401, "Invalid Authorization header format")
    return await calling(desk, request, lambda: member(desk, parts[1], org))


async def member(desk: Desk, token: str, org: str) -> Principal:
    principal = await principal_of(desk, token, org)
    if principal.organization != org:
        raise Said(403, f"Failed to validate membership for org: {org}")
    return principal


async def principal_of(desk: Desk, token: str, org: str) -> Principal:
    settings = desk.settings.dialects.nico
    try:
        if not looks_like_jwt(token):
            return await authenticated(desk, token)
        claims = await desk.tokens.claims(token)
        by_org = claims.get(settings.roles_claim)
        if not isinstance(by_org, dict):
            return await desk.tokens.principal(token)
        return of_roles(desk, claims, by_org, org)
    except Unauthenticated as error:
        if isinstance(error.__cause__, jwt.ExpiredSignatureError):
            raise Said(401, "Authorization token in request has expired") from error
        raise Said(401, "Invalid authorization token in request") from error


def of_roles(desk: Desk, claims: Mapping[str, Any], by_org: dict[str, Any], org: str) -> Principal:
    """By the roles that the token gives in the organization of the path."""
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 200:
        raise Said(401, "Error parsing the token claims")
    if org not in by_org:
        raise Said(403, f"Failed to validate membership for org: {org}")
    settings = desk.settings.dialects.nico
    named = by_org[org] if isinstance(by_org[org], list) else []
    roles = [
        mine
        for theirs, mine in ((ADMIN, settings.admin_role), (VIEWER, settings.viewer_role))
        if any(isinstance(role, str) and is_role(role, theirs) for role in named)
    ]
    return Principal("user", subject, org, permitted(roles, desk.settings.roles), "jwt")


def is_role(role: str, wanted: str) -> bool:
    """`PROVIDER_ADMIN`, or with one word before it: `FORGE_PROVIDER_ADMIN`."""
    first, underscore, rest = role.partition("_")
    return role == wanted or (bool(first and underscore) and rest == wanted)


Called = Annotated[Caller, Depends(caller)]


def need(caller: Caller, permission: Permission) -> None:
    """The role first, then whether the organization owns a provider at all."""
    if permission not in caller.scope.principal.permissions:
        raise Said(403, NO_ADMIN)
    if not providers_of(nico(caller), caller.scope.organization):
        raise Said(400, "Failed to retrieve Infrastructure Provider for org")


def place_of(caller: Caller, site_id: str) -> Place:
    """The site, if it is one of the organization's own provider."""
    if not is_uuid(site_id):
        raise Said(400, INVALID_SITE_ID)
    settings = nico(caller)
    site = settings.sites.get(UUID(site_id))
    if site is None:
        raise Said(400, "Site specified in request does not exist")
    if site.provider not in providers_of(settings, caller.scope.organization):
        raise Said(403, "Site specified in request doesn't belong to current org's Provider")
    if not site.flow:
        raise Said(412, "Site does not have NICo Flow enabled")
    return Place(site_id, site, site.region or caller.desk.settings.region)


def providers_of(settings: NicoSettings, organization: str) -> set[str]:
    return {
        name
        for name, owners in settings.providers.items()
        if organization in owners or "*" in owners
    }


def nico(caller: Caller) -> NicoSettings:
    return caller.desk.settings.dialects.nico


def query_of(caller: Caller, *known: str) -> dict[str, str]:
    """The query, if it has `siteId` and nothing unknown."""
    query = dict(caller.request.query_params)
    for name in query:
        if name not in known:
            raise Said(400, f"Unknown query parameter specified in request: {name}")
    if not query.get("siteId"):
        raise Said(400, "siteId query parameter is required")
    return query
