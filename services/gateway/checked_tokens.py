"""Tokens whose signature was found good, and by which key.

A signature costs a fraction of a millisecond, and who reads a stream is looked at twice a second.
Owns nothing but that: whether the key is still good, and the token not over, is asked every time.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt

TOKENS_KEPT = 10_000


class Checked(NamedTuple):
    """A token that was good when it was looked at."""

    kid: object
    algorithm: str
    key: jwt.PyJWK
    claims: Mapping[str, Any]


class CheckedTokens:
    """The last ones that came, by their hash: nobody finds a token in here."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Checked] = OrderedDict()

    def find(self, token: str) -> Checked | None:
        name = _hashed(token)
        checked = self._kept.get(name)
        if checked is not None:
            self._kept.move_to_end(name)
        return checked

    def keep(self, token: str, checked: Checked) -> None:
        self._kept[_hashed(token)] = checked
        if len(self._kept) > TOKENS_KEPT:
            self._kept.popitem(last=False)


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
