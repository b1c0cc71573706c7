"""A process that appends to an embedded log with many callers until it is killed."""

import asyncio
import hashlib
import os
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path

from events.log import Log, Message
from services.embedded_log import open_log

CALLERS = 32
SIZES_BYTES = (0, 10, 100, 300, 1_000, 3_000, 10_000)


def write_until_killed(path: Path, name: str, seed: int, told: Connection) -> None:
    """Tells `open`, and then the id and offset of each message that was acknowledged."""
    asyncio.run(write(path, name, seed, told.fileno()))


async def write(path: Path, name: str, seed: int, told: int) -> None:
    log = await open_log(path, "history", lambda: time.time_ns() // 1000)
    os.write(told, b"open\n")
    async with asyncio.TaskGroup() as group:
        for number in range(CALLERS):
            dice = random.Random(f"{seed}.{number}")
            group.create_task(call(log, f"{name}.{number}", dice, told))


async def call(log: Log, name: str, dice: random.Random, told: int) -> None:
    number = 0
    while True:
        size = dice.choice((1, 1, 1, 2, 5))
        identities = [f"{name}:{number + place}" for place in range(size)]
        number += size
        positions = await log.append([Message(name, sealed(one, dice)) for one in identities])
        for identity, position in zip(identities, positions, strict=True):
            os.write(told, f"{identity} {position.offset}\n".encode())


def sealed(identity: str, dice: random.Random) -> bytes:
    """A message that tells its id, and whether it is whole."""
    body = identity.encode() + b" " + dice.randbytes(dice.choice(SIZES_BYTES))
    return hashlib.sha256(body).digest() + body


def unsealed(value: bytes) -> str:
    """The id in a message, which must be whole."""
    digest, body = value[:32], value[32:]
    assert hashlib.sha256(body).digest() == digest
    return body.partition(b" ")[0].decode()
