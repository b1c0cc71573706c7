"""A token's signature is looked at once; whether it is still good, every time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from services.gateway import jwt_tokens
from services.gateway.jwt_tokens import JwtTokens
from services.permissions import ROLES
from services.refusals import Unauthenticated
from services.settings import JwtSettings

ONE, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


class Issuer:
    """Publishes one key, under one name."""

    def __init__(self) -> None:
        self.key = ONE
        self.now = datetime.now(UTC)
        self.looked_at = 0

    def answer(self, _request: httpx.Request) -> httpx.Response:
        public = OKPAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return httpx.Response(200, text=json.dumps({"keys": [{**public, "kid": "one"}]}))

    def token(self) -> str:
        claims = {
            "sub": "ann",
            "organization": "acme",
            "exp": int((self.now + timedelta(seconds=600)).timestamp()),
        }
        return jwt.encode(claims, ONE, algorithm="EdDSA", headers={"kid": "one"})


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Issuer:
    issuer = Issuer()

    def client(timeout: float) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=timeout, transport=httpx.MockTransport(issuer.answer))

    decode: Callable[..., Any] = jwt.decode

    def counted(*args: Any, **more: Any) -> Any:
        issuer.looked_at += 1
        return decode(*args, **more)

    monkeypatch.setattr(jwt_tokens, "OutgoingClient", client)
    monkeypatch.setattr(jwt, "decode", counted)
    return issuer


def tokens_of(issuer: Issuer, keys_age_seconds: float = 3600) -> JwtTokens:
    settings = JwtSettings(
        jwks_url="https://issuer.test/keys", jwks_age_limit_seconds=keys_age_seconds
    )
    return JwtTokens(settings, ROLES, lambda: issuer.now, lambda: issuer.now.timestamp())


async def test_a_signature_is_looked_at_once(issuer: Issuer) -> None:
    tokens, token = tokens_of(issuer), issuer.token()
    principals = {await tokens.principal(token) for _ in range(5)}
    assert [each.id for each in principals] == ["ann"]
    assert issuer.looked_at == 1
    forged = token[:-6] + "AAAAAA"
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await tokens.principal(forged)
    assert issuer.looked_at == 3


async def test_a_token_that_was_good_ends_with_its_time(issuer: Issuer) -> None:
    tokens, token = tokens_of(issuer), issuer.token()
    await tokens.principal(token)
    issuer.now += timedelta(seconds=609)
    await tokens.principal(token)
    issuer.now += timedelta(seconds=2)
    with pytest.raises(Unauthenticated, match="expired"):
        await tokens.principal(token)


async def test_a_token_that_was_good_ends_with_its_key(issuer: Issuer) -> None:
    tokens, token = tokens_of(issuer, keys_age_seconds=60), issuer.token()
    await tokens.principal(token)
    issuer.key = OTHER
    await tokens.principal(token)
    issuer.now += timedelta(seconds=61)
    with pytest.raises(Unauthenticated):
        await tokens.principal(token)
