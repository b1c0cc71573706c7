"""What holds a pending task up: what it waits for, what that waits for, and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from countermand.client import Client, Task


FOLLOWED = 300
SHOWN = 4
MET = ("succeeded", "skipped")


async def held_up_by(client: Client, task: Task) -> list[str]:
    """Their ids; the last one has come before if they wait for each other."""
    held: list[str] = []
    while task["status"] == "pending" and len(held) < FOLLOWED:
        awaited = await _first_unmet(client, task)
        if awaited is None:
            break
        id, found = awaited
        held.append(id)
        if found is None or id in held[:-1]:
            break
        task = found
    return held


async def _first_unmet(client: Client, task: Task) -> tuple[str, Task | None] | None:
    from countermand.client import Problem

    for id in task["depends_on"]:
        try:
            found = await client.task(id)
        except Problem as problem:
            if problem.status != 404:
                raise
            return id, None
        if found["status"] not in MET:
            return id, found
    return None


def said(held: list[str]) -> str:
    """In words; what to do about it if nothing else helps."""
    ids = held if len(held) <= SHOWN else [*held[: SHOWN - 1], "...", held[-1]]
    text = ", which waits for ".join(ids)
    if held[-1] in held[:-1]:
        text += ": none of them will ever start; skip or cancel one"
    return text
