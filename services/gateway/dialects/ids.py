"""Ids as the dialects demand them, which is as UUIDs.

What is made through a dialect has a UUID for its id, in the core too: nothing is mapped, and the
same id names the same task everywhere. A task whose caller chose another id has that one here.
"""

import re
from typing import Annotated, Any

from fastapi import Path

from events.errors import InvalidId
from events.ids import check_id
from services.gateway.callers import Caller
from services.operations import looking
from services.permissions import Permission
from services.refusals import Refused

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
AS_UUID: dict[str, Any] = {"format": "uuid"}

PathId = Annotated[str, Path(json_schema_extra=AS_UUID)]
"""Of any length: what is no id is refused in each dialect's words for that."""


class MalformedId(Refused):
    """Not a UUID, and no id of a task of the caller's either."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:80]!r} is no UUID")
        self.text = text


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


async def known_task(caller: Caller, text: str) -> str:
    """The id, if it has a UUID's form or there is a task by that name.

    A UUID is the same one in capitals; ours are written without."""
    if is_uuid(text) and text == text.lower():
        return text
    caller.scope.need(Permission.TASKS_READ)
    try:
        if await looking.task_known(caller.scope, check_id(text)):
            return text
    except InvalidId:
        pass
    if is_uuid(text):
        return text.lower()
    raise MalformedId(text)
