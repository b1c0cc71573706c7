"""Who is asking, in the forms that the dialects know. A key of ours is good in each of them."""

import re
from typing import Any

import jwt
from fastapi import Request
from pydantic import SecretStr

from events.body import ORGANIZATION_PATTERN
from services.gateway.callers import Caller, authenticated, calling
from services.gateway.desk import Desk
from services.permissions import Principal, permitted
from services.refusals import Unauthenticated

SIGNED_WITH = "HS256"
"""What the operator's own application and this service sign for each other, by a shared secret."""


def bearer(request: Request) -> str | None:
    """The token of `Authorization: Bearer ...`; None when there is no such header."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("send 'Authorization: Bearer ...'")
    return token.strip()


async def caller_by(desk: Desk, request: Request, credential: str | None) -> Caller:
    return await calling(desk, request, lambda: authenticated(desk, credential))


def signed_claims(token: str, secret: SecretStr, audience: str) -> dict[str, Any]:
    """The claims of a token that was signed with a secret of the settings for this use."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret.get_secret_value(),
            algorithms=[SIGNED_WITH],
            audience=audience,
            options={"require": ["exp", "sub", "organization"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("the token has expired") from error
    except (jwt.PyJWTError, ValueError) as error:
        raise Unauthenticated("the token isn't valid") from error
    return claims


def from_another_site(request: Request) -> bool:
    """Whether a browser was made to send this by a page of somebody else's, cookie and all."""
    return request.headers.get("sec-fetch-site") == "cross-site"


def principal_of(desk: Desk, claims: dict[str, Any]) -> Principal:
    """The user that a signed token speaks for."""
    organization, subject = claims["organization"], claims["sub"]
    if not isinstance(organization, str) or not re.fullmatch(ORGANIZATION_PATTERN, organization):
        raise Unauthenticated("the token names no organization")
    if not isinstance(subject, str) or not 0 < len(subject) <= 200:
        raise Unauthenticated("the token's subject isn't valid")
    roles = claims.get("roles", ["operator"])
    named = [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []
    return Principal(
        "user", subject, organization, permitted(named, desk.settings.roles), "session"
    )
