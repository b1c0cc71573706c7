"""Tokens for widgets: a backend proves itself, and gets a short-lived one for an end user."""

import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, JsonValue

from services.gateway.desk import desk_of
from services.gateway.dialects.credentials import SIGNED_WITH
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.moments import milliseconds
from services.gateway.dialects.sigmic.refusing import AUDIENCE, Coded, described

_LIFETIME = re.compile(r"(\d{1,6})([smhd])")
USER_LIMIT_CHARACTERS = 100
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class TokenRequest(BaseModel):
    appId: JsonValue = None  # noqa: N815
    appSecret: JsonValue = None  # noqa: N815
    endUserId: JsonValue = None  # noqa: N815
    expiresIn: JsonValue = "1h"  # noqa: N815
    env: JsonValue = None
    secrets: JsonValue = None


class TokenReply(BaseModel):
    token: str
    expiresAt: str  # noqa: N815


def routes(router: APIRouter) -> None:
    router.post("/api/v1/auth/token", response_model=TokenReply, **described())(new_token)


async def new_token(request: Request, body: TokenRequest) -> Response:
    """A token for one end user of a widget."""
    desk = desk_of(request)
    settings = desk.settings.dialects.sigmic
    if settings.token_secret is None:
        raise Coded(501, "JWT_NOT_CONFIGURED", "Set a token secret for widgets first")
    app, secret, user = body.appId, body.appSecret, body.endUserId
    if not (isinstance(app, str) and app and isinstance(secret, str) and secret):
        raise Coded(400, "MISSING_CREDENTIALS", "appId and appSecret are required")
    if not isinstance(user, str) or not 0 < len(user) <= USER_LIMIT_CHARACTERS:
        text = f"endUserId is required, with at most {USER_LIMIT_CHARACTERS} characters"
        raise Coded(400, "MISSING_END_USER_ID", text)
    seconds = lifetime_of(body.expiresIn)
    if seconds is None or not 0 < seconds <= settings.token_lifetime_limit_seconds:
        raise Coded(400, "INVALID_EXPIRES_IN", "expiresIn is a time like 30m, 1h or 7d")
    if body.env or body.secrets:
        raise Coded(400, "INVALID_ENV", "Send env and secrets with each task: none are kept here")
    widget = settings.widgets.get(app)
    expected = "" if widget is None else widget.secret.get_secret_value()
    right = hmac.compare_digest(expected.encode(), secret.encode())
    if widget is None or not right:
        raise Coded(401, "INVALID_CREDENTIALS", "appId or appSecret is wrong")
    expires_at: datetime = desk.parts.world.now().astimezone(UTC) + timedelta(seconds=seconds)
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "sub": user,
        "app": app,
        "organization": widget.organization,
        "exp": expires_at,
    }
    token = jwt.encode(claims, settings.token_secret.get_secret_value(), SIGNED_WITH)
    return json_response({"token": token, "expiresAt": milliseconds(expires_at)})


def lifetime_of(text: JsonValue) -> int | None:
    found = _LIFETIME.fullmatch(text) if isinstance(text, str) else None
    return None if found is None else int(found[1]) * SECONDS[found[2]]
