"""Bearer tokens of somebody else's making: signature, issuer, audience, times, algorithm.

Only signatures by private keys are accepted, each key only for its own kind of algorithm: a token
signed with a public key as if it were a shared secret is refused, and so is `none`.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from events.body import ORGANIZATION_PATTERN
from services.gateway.checked_tokens import Checked, CheckedTokens
from services.outgoing import OutgoingClient
from services.permissions import Permission, Principal, permitted
from services.refusals import Unauthenticated, Unavailable
from services.settings import JwtSettings

TOKEN_LIMIT_CHARACTERS = 8_192
JWKS_LIMIT_BYTES = 1_000_000
KIND_OF_KEY = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_ORGANIZATION = re.compile(ORGANIZATION_PATTERN)

log = structlog.get_logger(__name__)


def looks_like_jwt(token: str) -> bool:
    return token.startswith("eyJ") and token.count(".") == 2


class JwtTokens:
    """Checks tokens with the keys of a file or of a JWKS URL."""

    def __init__(
        self,
        settings: JwtSettings,
        roles: Mapping[str, frozenset[Permission]],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._roles = roles
        self._now = now
        self._monotonic = monotonic
        self._keys: list[jwt.PyJWK] = []
        self._checked = CheckedTokens()
        self._fetched_at: float | None = None
        self._fetching = asyncio.Lock()
        if settings.keys_file is not None:
            self._keys = keys_in(settings.keys_file)

    @property
    def enabled(self) -> bool:
        return self._settings.jwks_url is not None or self._settings.keys_file is not None

    async def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a good token; `Unauthenticated` for any other."""
        if not self.enabled or len(token) > TOKEN_LIMIT_CHARACTERS:
            raise Unauthenticated("bearer tokens of this kind aren't accepted here")
        claims = await self._claims_before(token) or await self._claims_now(token)
        if int(claims["exp"]) - self._now().timestamp() > self._settings.lifetime_limit_seconds:
            raise Unauthenticated("the token is valid for longer than is accepted")
        return claims

    async def _claims_before(self, token: str) -> Mapping[str, Any] | None:
        """Of a token that was good, if the key that signed it still is."""
        checked = self._checked.find(token)
        if checked is None or await self._key(checked.kid, checked.algorithm) is not checked.key:
            return None
        over_at = int(checked.claims["exp"]) + self._settings.leeway_seconds
        if self._now().timestamp() >= over_at:
            raise Unauthenticated("the token has expired") from jwt.ExpiredSignatureError()
        return checked.claims

    async def _claims_now(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            algorithm = str(header.get("alg"))
            if algorithm not in self._settings.algorithms:
                raise Unauthenticated("the token's algorithm isn't accepted")
            key = await self._key(header.get("kid"), algorithm)
            required = ["exp", "sub"]
            required += ["iss"] if self._settings.issuer else []
            required += ["aud"] if self._settings.audience else []
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=self._settings.leeway_seconds,
                options={"require": required, "verify_aud": self._settings.audience is not None},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the token has expired") from error
        except (jwt.PyJWTError, ValueError, OverflowError) as error:
            raise Unauthenticated("the token isn't valid") from error
        self._checked.keep(token, Checked(header.get("kid"), algorithm, key, claims))
        return claims

    async def principal(self, token: str) -> Principal:
        claims = await self.claims(token)
        organization = claims.get(self._settings.organization_claim)
        subject = claims["sub"]
        if not isinstance(organization, str) or not _ORGANIZATION.fullmatch(organization):
            raise Unauthenticated("the token names no organization")
        if not isinstance(subject, str) or not 0 < len(subject) <= 200:
            raise Unauthenticated("the token's subject isn't valid")
        roles = claims.get(self._settings.roles_claim, [])
        named = roles.split() if isinstance(roles, str) else roles
        if not isinstance(named, list):
            named = []
        allowed = permitted([role for role in named if isinstance(role, str)], self._roles)
        return Principal("user", subject, organization, allowed, "jwt")

    async def _key(self, kid: object, algorithm: str) -> jwt.PyJWK:
        found = self._find(kid, algorithm)
        url = self._settings.jwks_url
        if url is not None and (found is None or self._old(self._settings.jwks_age_limit_seconds)):
            async with self._fetching:
                if self._old(self._settings.jwks_refetch_pause_seconds):
                    await self._fetch(url)
            found = self._find(kid, algorithm)
        if found is None:
            raise Unauthenticated("the token is signed by nobody known here")
        return found

    def _find(self, kid: object, algorithm: str) -> jwt.PyJWK | None:
        kind = KIND_OF_KEY[algorithm[:2]]
        for key in self._keys:
            if key.key_type == kind and (
                key.key_id == kid or (kid is None and len(self._keys) == 1)
            ):
                return key
        if kid is not None and len(self._keys) == 1 and self._keys[0].key_id is None:
            return self._keys[0] if self._keys[0].key_type == kind else None
        return None

    def _old(self, limit_seconds: float) -> bool:
        return self._fetched_at is None or self._monotonic() - self._fetched_at > limit_seconds

    async def _fetch(self, url: str) -> None:
        """Get the keys; the old ones stay good when that fails."""
        self._fetched_at = self._monotonic()
        try:
            async with OutgoingClient(timeout=self._settings.jwks_timeout_seconds) as client:
                answer = await client.get(url)
            answer.raise_for_status()
            if len(answer.content) > JWKS_LIMIT_BYTES:
                raise ValueError("too large")
            self._keys = usable_keys(answer.json())
        except (httpx.HTTPError, ValueError, jwt.PyJWTError) as error:
            log.warning("the JWKS can't be read", url=url, why=type(error).__name__)
            if not self._keys:
                raise Unavailable("the keys for bearer tokens can't be read: try again") from error


def keys_in(path: Path) -> list[jwt.PyJWK]:
    """The keys in a JWKS document, or the one public key in a PEM file."""
    text = path.read_text()
    if text.lstrip().startswith("{"):
        return usable_keys(json.loads(text))
    public = load_pem_public_key(text.encode())
    match public:
        case RSAPublicKey():
            return [jwt.PyJWK(RSAAlgorithm.to_jwk(public, as_dict=True))]
        case EllipticCurvePublicKey():
            return [jwt.PyJWK(ECAlgorithm.to_jwk(public, as_dict=True))]
        case Ed25519PublicKey():
            return [jwt.PyJWK(OKPAlgorithm.to_jwk(public, as_dict=True))]
        case _:
            raise ValueError(f"{path}: not a public key that bearer tokens can be checked with")


def usable_keys(document: Mapping[str, Any]) -> list[jwt.PyJWK]:
    """Public keys for signatures only; a shared secret in there is passed over."""
    return [
        jwt.PyJWK({name: each[name] for name in each if name not in PRIVATE})
        for each in document.get("keys", [])
        if each.get("kty") in ("RSA", "EC", "OKP") and each.get("use", "sig") == "sig"
    ]


PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
