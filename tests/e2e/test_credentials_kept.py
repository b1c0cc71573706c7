"""What becomes of credentials: none is kept where it can be read, and none is ever said, whatever
was done with it; what is known of a key is who made it, used it last, and revoked it."""

import base64
import getpass
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.control_store.api_keys import hashed
from tests.e2e.asking import LATER
from tests.e2e.problems import refused
from tests.e2e.running import Running

ISSUER, AUDIENCE = "https://issuer.test", "countermand"
SIGNING = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHARED = "a-shared-secret-of-more-than-32-bytes"
DAYS_OF_A_SECOND = 1 / 86_400
TASKS = "/countermand/v1/tasks"


class Held(NamedTuple):
    """A service, and every credential that was shown to it, by what it is."""

    service: Running
    shown: dict[str, str]

    def new_key(self, name: str, *more: str) -> str:
        self.shown[name] = self.service.new_key("default", "admin", *more)
        return self.shown[name]

    def listed(self, name: str) -> dict[str, Any]:
        """What is known of this key."""
        begins = self.shown[name]
        known = json.loads(self.service.run("keys", "list", "--json"))
        (found,) = [each for each in known if begins.startswith(each["shown"])]
        document: dict[str, Any] = found
        return document


def token(key: Any = SIGNING, algorithm: str = "RS256", **more: Any) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "carol", "organization": "default"}
    until = int(time.time()) + 600
    return jwt.encode(
        {**claims, "roles": ["admin"], "exp": until, **more}, key, algorithm=algorithm
    )


def unsigned() -> str:
    _, body, _ = token().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{none}.{body}."


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    folder = tmp_path_factory.mktemp("credentials")
    public = folder / "key.pem"
    pem = SIGNING.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(pem)
    service = Running(
        folder,
        environment={
            "COUNTERMAND_JWT__KEYS_FILE": str(public),
            "COUNTERMAND_JWT__ISSUER": ISSUER,
            "COUNTERMAND_JWT__AUDIENCE": AUDIENCE,
            "COUNTERMAND_LOG_LEVEL": "debug",
        },
    )
    service.start()
    shown = {
        "the first key": service.key,
        "a key that nobody made": "cm_" + "x1Y2" * 10,
        "a good token": token(),
        "an expired token": token(exp=int(time.time()) - 60),
        "a token of a wrong algorithm": token(SHARED, "HS256"),
        "a token of another issuer": token(iss="https://evil.test"),
        "a token without a signature": unsigned(),
        "a token that was cut": token()[:-30],
        "a malformed token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0d28tc2VjcmV0cyJ9.not-base64!",
        "a token that is far too long": token() + "A" * 9_000,
    }
    held = Held(service, shown)
    yield held
    assert service.stop() == 0, service.said()[-4000:]


GOOD = {"the first key", "a good token"}


def test_a_key_is_refused_once_it_has_expired(held: Held) -> None:
    over = held.new_key("an expired key", "--expires-in-days", "0")
    soon = held.new_key("a key of two seconds", "--expires-in-days", f"{2 * DAYS_OF_A_SECOND}")
    with held.service.http(over) as late, held.service.http(soon) as http:
        problem = refused(late.get("/tasks"), 401, "unauthenticated")
        assert "expired" in problem["detail"]
        until = datetime.fromisoformat(held.listed("a key of two seconds")["expires_at"])
        while (answer := http.get("/tasks")).status_code == 200:
            assert datetime.now(UTC) < until + timedelta(seconds=5), "it is good for ever"
        assert datetime.now(UTC) >= until
        refused(answer, 401, "unauthenticated")


def test_it_is_known_who_made_a_key_and_who_revoked_it(held: Held) -> None:
    me = f"command line: {getpass.getuser()}"
    held.new_key("a revoked key", "--user", "bob")
    made = held.listed("a revoked key")
    assert (made["created_by"], made["revoked_by"], made["revoked_at"]) == (me, None, None)
    assert (made["organization"], made["role"], made["principal_id"]) == ("default", "admin", "bob")
    before = datetime.now(UTC)
    held.service.run("keys", "revoke", made["shown"])
    revoked = held.listed("a revoked key")
    assert (revoked["created_by"], revoked["revoked_by"]) == (me, me)
    assert before <= datetime.fromisoformat(revoked["revoked_at"]) <= datetime.now(UTC)


def test_only_good_credentials_are_accepted_wherever_they_stand(held: Held) -> None:
    """In headers, in queries, in bodies, in ids: what is said of them is looked at in the end."""
    url = held.service.url
    with httpx.Client(base_url=url, timeout=30) as http:
        for name, secret in list(held.shown.items()):
            bearer = {"authorization": f"Bearer {secret}"}
            for headers in (bearer, {"x-api-key": secret}):
                wanted = 200 if name in GOOD else 401
                assert http.get(TASKS, headers=headers).status_code == wanted, name
            assert http.get(TASKS, headers={"authorization": secret}).status_code == 401
            assert http.get(TASKS, headers={"authorization": f"Basic {secret}"}).status_code == 401
            good = {"authorization": f"Bearer {held.service.key}"}
            short = secret[:1_000]
            for path in (f"{TASKS}?key={short}", f"{TASKS}?cursor={short}", f"{TASKS}/{short}"):
                answer = http.get(path, headers=good)
                assert answer.status_code in (404, 422), answer.text
            for body in (secret, {"kind": secret, "not_before": LATER}, {secret: 1}):
                answer = http.post(TASKS, json=body, headers=good)
                assert answer.status_code in (201, 422), answer.text
            for path in ("/no/such/route", "/v1/tasks", "/api/v1/tasks", "/api/ai/agent/x"):
                http.get(f"{path}?token={short}", headers=bearer)
            http.post(TASKS, content=b'{"kind": "' + secret.encode(), headers=bearer)


def test_what_was_shown_is_said_nowhere(held: Held) -> None:
    """No part of it in the log, and no key in the control store, which has their hashes."""
    used_before = datetime.now(UTC)
    with held.service.http() as http:
        http.get("/tasks")
    assert held.service.stop() == 0
    said = held.service.said()
    parts = {f"{name}: {part[:8]}...": part for name, part in secret_parts(held.shown)}
    assert [name for name, part in parts.items() if part in said] == []
    control = b"".join(
        path.read_bytes() for path in held.service.data.glob("control.sqlite*") if path.is_file()
    )
    assert hashed(held.service.key).encode() in control
    keys = [secret for secret in held.shown.values() if secret.startswith("cm_")]
    assert len(keys) >= 4
    assert [each[:12] for each in keys if each.encode() in control] == []
    # Written as it ended, at the latest.
    used = datetime.fromisoformat(held.listed("the first key")["last_used_at"])
    assert used_before <= used <= datetime.now(UTC)
    assert held.listed("an expired key")["last_used_at"] is None


def secret_parts(shown: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What opens something, or shows whom: keys, and what a token claims and proves."""
    for name, secret in shown.items():
        yield name, secret[:1_000]
        if secret.startswith("eyJ"):
            _, claims, signature = secret.split(".")
            yield f"the claims of {name}", claims
            if len(signature) > 20:
                yield f"the signature of {name}", signature[:1_000]
