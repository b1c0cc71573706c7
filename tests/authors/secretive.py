"""Handlers that are told secrets, and give them away wherever they can."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from countermand.handlers import SyncTaskContext, TaskContext, handler


@dataclass(frozen=True)
class Login:
    """A payload of which one field is secret."""

    user: str
    password: str
    then: str = "return"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@handler("log-in", secrets=["token", "password"])
async def log_in(context: TaskContext, payload: Login) -> dict[str, Any]:
    token = context.secrets["token"]
    await context.progress(0.5, f"with {token}")
    await context.output({"token": token, "list": [payload.password]})
    if payload.then == "fail":
        raise ValueError(f"{payload.user} with {payload.password} and {token} was refused")
    if payload.then == "sleep":
        await asyncio.sleep(600)
    if payload.then == "hand on":
        await context.submit(
            "log-in", {"user": "child", "password": token}, secrets={"token": token}
        )
    return {
        "told": sorted(context.secrets),
        "digests": [digest(token), digest(payload.password)],
        "leaked": f"{token}/{payload.password}",
    }


@handler("log-in-sync", secrets=["token"])
def log_in_sync(context: SyncTaskContext) -> str:
    raise ValueError(f"no luck with {context.secrets['token']}")
