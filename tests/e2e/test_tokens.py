"""Bearer tokens of others: what is accepted, and every forgery that is not."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from tests.e2e.running import Running

ISSUER, AUDIENCE = "https://issuer.test", "countermand"
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
THEIRS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_PEM = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims(**more: Any) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "carol",
        "organization": "default",
        "roles": ["auditor"],
        "exp": int(time.time()) + 600,
        **more,
    }


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in claims().items() if key != name}


def signed(body: dict[str, Any], key: Any = OURS, algorithm: str = "RS256", **head: Any) -> str:
    return jwt.encode(body, key, algorithm=algorithm, headers={"kid": "one", **head})


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def confused() -> str:
    """Signed with the public key as if it were a shared secret."""
    head = b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "one"}).encode())
    body = b64(json.dumps(claims()).encode())
    mac = hmac.new(PUBLIC_PEM, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{b64(mac)}"


def unsigned(alg: str) -> str:
    head = b64(json.dumps({"alg": alg, "typ": "JWT", "kid": "one"}).encode())
    return f"{head}.{b64(json.dumps(claims()).encode())}."


class Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        public = RSAAlgorithm.to_jwk(OURS.public_key(), as_dict=True)
        secret = {"kty": "oct", "kid": "secret", "k": b64(b"shared-secret-of-thirty-two-bytes!")}
        body = json.dumps({"keys": [{**public, "kid": "one"}, secret]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module", params=["file", "url"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("tokens")
    server = HTTPServer(("127.0.0.1", 0), Keys)
    serving = Thread(target=server.serve_forever)
    serving.start()
    keys = folder / "key.pem"
    keys.write_bytes(PUBLIC_PEM)
    source = (
        {"COUNTERMAND_JWT__KEYS_FILE": str(keys)}
        if request.param == "file"
        else {"COUNTERMAND_JWT__JWKS_URL": f"http://127.0.0.1:{server.server_port}/keys"}
    )
    issued = {"COUNTERMAND_JWT__ISSUER": ISSUER, "COUNTERMAND_JWT__AUDIENCE": AUDIENCE}
    running = Running(folder, environment={**source, **issued})
    running.start()
    yield running
    running.stop()
    server.shutdown()
    serving.join()
    server.server_close()


def asked(service: Running, token: str, method: str = "GET") -> int:
    headers = {"authorization": f"Bearer {token}"}
    url = service.url + "/countermand/v1/tasks"
    body = {"kind": "sleep"} if method == "POST" else None
    return httpx.request(method, url, headers=headers, json=body).status_code


def test_a_good_token_is_its_bearer_with_the_roles_it_names(service: Running) -> None:
    assert asked(service, signed(claims())) == 200
    assert asked(service, signed(claims()), "POST") == 403
    assert asked(service, signed(claims(roles=["operator"])), "POST") == 201
    assert asked(service, signed(claims(roles=["no-such-role"]))) == 403
    assert asked(service, signed(claims(roles="auditor operator")), "POST") == 201


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda: signed(claims(exp=int(time.time()) - 60)), id="expired"),
        pytest.param(lambda: signed(claims(exp=int(time.time()) + 10**8)), id="valid_for_ever"),
        pytest.param(lambda: signed(claims(nbf=int(time.time()) + 600)), id="not_yet"),
        pytest.param(lambda: signed(claims(iss="https://evil.test")), id="another_issuer"),
        pytest.param(lambda: signed(claims(aud="somebody")), id="another_audience"),
        pytest.param(lambda: signed(without("iss")), id="no_issuer"),
        pytest.param(lambda: signed(without("aud")), id="no_audience"),
        pytest.param(lambda: signed(without("exp")), id="no_expiry"),
        pytest.param(lambda: signed(claims(exp="9" * 12)), id="an_expiry_in_text"),
        pytest.param(lambda: signed(claims(exp=float("inf"))), id="an_expiry_at_no_time"),
        pytest.param(lambda: signed(without("sub")), id="no_subject"),
        pytest.param(lambda: signed(without("organization")), id="no_organization"),
        pytest.param(lambda: signed(claims(organization="a/b")), id="organization_with_a_slash"),
        pytest.param(lambda: signed(claims(sub=7)), id="subject_is_a_number"),
        pytest.param(lambda: signed(claims(), THEIRS), id="another_key"),
        pytest.param(lambda: signed(claims(), algorithm="RS512"), id="algorithm_not_allowed"),
        pytest.param(lambda: unsigned("none"), id="none"),
        pytest.param(lambda: unsigned("None"), id="none_in_capitals"),
        pytest.param(lambda: unsigned("RS256"), id="no_signature"),
        pytest.param(confused, id="key_confusion"),
        pytest.param(
            lambda: signed(claims(), "shared-secret-of-thirty-two-bytes!", "HS256", kid="secret"),
            id="shared_secret",
        ),
        pytest.param(lambda: signed(claims())[:-4] + "AAAA", id="changed_signature"),
        pytest.param(lambda: "eyJ.eyJ.x", id="rubbish"),
        pytest.param(lambda: "eyJ" + "x" * 9000 + ".a.b", id="too_long"),
    ],
)
def test_a_forged_token_is_nobody(service: Running, forged: Any) -> None:
    assert asked(service, forged()) == 401
