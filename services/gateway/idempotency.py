"""`Idempotency-Key`: the same key gives the first answer, another body under it is refused.

The events of such a request have ids derived from the key, so that this holds also when the
process died between the append and the answer.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from fastapi import Response
from pydantic import ValidationError

from events.errors import EventTooLarge, InvalidId, MalformedEvent
from services.control_store import ControlStore
from services.control_store.idempotency import Answer, Claim, KeyName, claim, forget, remember
from services.gateway.problems import problem_of
from services.gateway.streaming import Streamed
from services.permissions import Principal
from services.refusals import Conflict, Invalid, Refused, TooMany, Unavailable
from services.settings import GatewaySettings

T = TypeVar("T")

KEY_LIMIT_CHARACTERS = 255
REPEATED = "countermand-repeated"
UNDECIDED = "countermand-undecided"
"""Set by a route on an answer that isn't final: it isn't kept as the first."""

NOTHING_SAID = (Refused, EventTooLarge, InvalidId, MalformedEvent, ValidationError)
"""What is raised before anything is appended: the key may stand for a request that is mended."""


class Once:
    """Carries out a request under a key at most once, as far as its caller can see."""

    def __init__(
        self, store: ControlStore, settings: GatewaySettings, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._settings = settings
        self._now = now

    async def answer(
        self,
        principal: Principal,
        key: str,
        request: bytes,
        work: Callable[[], Awaitable[Response]],
        said: Callable[[Conflict], Response] = problem_of,
    ) -> Response:
        if not 0 < len(key) <= KEY_LIMIT_CHARACTERS or not key.isprintable():
            raise Invalid("Idempotency-Key", f"1 to {KEY_LIMIT_CHARACTERS} printable characters")
        name = KeyName(principal.organization, f"{principal.kind}:{principal.id}", key)
        claimed = await self._claim(name, hashlib.sha256(request).hexdigest())
        if claimed.answer is not None:
            first = claimed.answer
            return Response(first.body, first.status, {**first.headers, REPEATED: "true"})
        try:
            response = await work()
        except Conflict as error:
            response = said(error)
        except Unavailable:  # unknown what was appended: the key stays taken for this request
            raise
        except NOTHING_SAID:
            await self._ask(partial(forget, name=name))
            raise
        # A stream has no first answer: who asks again hears of the same task from now on.
        if UNDECIDED not in response.headers and not isinstance(response, Streamed):
            await self._remember(name, response)
        return response

    async def _claim(self, name: KeyName, fingerprint: str) -> Claim:
        keep_us = int(self._settings.idempotency_keep_seconds * 1_000_000)
        limit = self._settings.idempotency_keys_per_organization
        now_us = int(self._now().timestamp() * 1_000_000)
        claimed = await self._ask(
            lambda connection: claim(connection, name, fingerprint, now_us, keep_us, limit)
        )
        if claimed.full:
            raise TooMany("idempotency keys in your organization", 3600)
        if not claimed.same_request:
            raise Conflict(
                "idempotency_key_reused",
                "this Idempotency-Key stands for another request: choose a new one",
            )
        return claimed

    async def _remember(self, name: KeyName, response: Response) -> None:
        body = bytes(response.body)
        if len(body) > self._settings.idempotency_answer_limit_bytes:
            return
        headers = {k: v for k, v in response.headers.items() if k != "content-length"}
        answer = Answer(response.status_code, headers, body)
        await self._ask(partial(remember, name=name, answer=answer))

    async def _ask(self, do: Callable[[sa.Connection], T]) -> T:
        try:
            return await self._store.ask(do)
        except sa.exc.OperationalError as error:
            raise Unavailable("the control store can't be reached: try again") from error
