"""What is secret about a task, and its ciphertext. Pure but for the random nonce.

The ciphertext is bound to its task: copied into another one's submission it doesn't open.
"""

import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Collection, Mapping
from typing import Annotated, NamedTuple, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import from_json, to_json

from events.body import Name, Text
from events.plain import check_plain

KEY_BITS = 256
NONCE_BYTES = 12

GivenSecrets: TypeAlias = Annotated[
    dict[Name, Text], Field(max_length=64), AfterValidator(check_plain)
]
"""Secrets as callers give them, by name."""


class DoesNotOpen(Exception):
    """This ciphertext wasn't made with this key for this task."""


class Secrets(NamedTuple):
    """What nobody may read in the history."""

    named: Mapping[str, str]
    """What was submitted as secrets."""
    payload: Mapping[str, JsonValue]
    """Fields of the payload that the handler declares secret."""

    def __repr__(self) -> str:
        return "Secrets(...)"


def found(
    names: Collection[str], payload: Mapping[str, JsonValue], given: Mapping[str, str]
) -> Secrets | None:
    """What of a submission must not be seen, by the names that are declared; None: nothing."""
    fields = {name: payload[name] for name in names if name in payload}
    return Secrets(given, fields) if given or fields else None


def new_key() -> bytes:
    return AESGCM.generate_key(KEY_BITS)


def sealed(secrets: Secrets, key: bytes, organization: str, task_id: str) -> str:
    """As text that an event can carry."""
    nonce = os.urandom(NONCE_BYTES)
    plain = to_json({"named": dict(secrets.named), "payload": dict(secrets.payload)})
    return b64encode(
        nonce + AESGCM(key).encrypt(nonce, plain, _about(organization, task_id))
    ).decode()


def opened(ciphertext: str, key: bytes, organization: str, task_id: str) -> Secrets:
    """The reverse. Raises `DoesNotOpen`."""
    try:
        raw = b64decode(ciphertext, validate=True)
        plain = AESGCM(key).decrypt(
            raw[:NONCE_BYTES], raw[NONCE_BYTES:], _about(organization, task_id)
        )
    except (NotBase64, ValueError, InvalidTag):
        raise DoesNotOpen from None
    return Secrets(**from_json(plain))


def _about(organization: str, task_id: str) -> bytes:
    return f"{organization}/{task_id}".encode()
