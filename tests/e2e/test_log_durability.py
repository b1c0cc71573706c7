"""What the embedded log has acknowledged outlives its process, whenever that is killed."""

import asyncio
import multiprocessing
import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from events.log import Record
from events.positions import BEGINNING, Frontier, after
from services.embedded_log import open_log_reader
from tests.e2e.log_writer import unsealed, write_until_killed
from tests.proof_size import count
from tests.tallies import Tally

ROUNDS = count(small=6, full=200)
ROUNDS_PER_FILE = 20
"""After each round the whole file is checked: more would take longer, and show no more."""
ACKNOWLEDGED_LIMIT = 1_000
"""Before a kill: enough for several of SQLite's checkpoints, one every 4 MB or so."""
OPENING_SECONDS = 0.05

# Each writer is a process of its own, forked from one that has imported everything.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", "tests.e2e.log_writer"])


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_what_was_acknowledged_outlives_every_kill(tmp_path: Path, tally: Tally) -> None:
    seed = int(os.environ.get("COUNTERMAND_SEED") or random.SystemRandom().randrange(2**32))
    print(f"to repeat: COUNTERMAND_SEED={seed}")
    dice = random.Random(seed)
    acknowledged: dict[str, int] = {}
    files, events = 0, 0
    for number in range(ROUNDS):
        path = tmp_path / f"history-{number // ROUNDS_PER_FILE}.db"
        if number % ROUNDS_PER_FILE == 0:
            acknowledged, files = {}, files + 1
        new = killed_under_load(path, number, dice)
        events += len(new)
        acknowledged |= new
        if acknowledged:
            check(asyncio.run(everything(path)), acknowledged)
    tally(f"{ROUNDS} kills on {files} files: all {events} acknowledged events are there")
    assert events > 0


def killed_under_load(path: Path, number: int, dice: random.Random) -> dict[str, int]:
    """A writer, killed somewhere on its way: where each event is that it has acknowledged."""
    listening, telling = PROCESSES.Pipe(duplex=False)
    writer = PROCESSES.Process(
        target=write_until_killed, args=(path, str(number), dice.randrange(2**32), telling)
    )
    writer.start()
    telling.close()
    lines: list[bytes] = []
    with listening, open(listening.fileno(), "rb", closefd=False) as told:
        try:
            if dice.random() < 0.1:
                time.sleep(dice.uniform(0, OPENING_SECONDS))  # it dies while it opens the log
            else:
                for _ in range(1 + dice.randrange(ACKNOWLEDGED_LIMIT)):
                    lines.append(told.readline())
                    assert lines[-1], "the writer ended by itself"
        finally:
            writer.kill()
        lines += told.readlines()
    writer.join(timeout=30)
    assert writer.exitcode == -signal.SIGKILL
    said = [line.decode().split() for line in lines if line != b"open\n"]
    return {identity: int(offset) for identity, offset in said}


def check(records: Sequence[Record], acknowledged: dict[str, int]) -> None:
    """Every acknowledged event is where it was said to be; all are whole, once, and in order."""
    identities = [unsealed(record.value) for record in records]
    assert [record.position.offset for record in records] == list(range(len(records)))
    assert len(set(identities)) == len(identities)
    assert all(identities[offset] == identity for identity, offset in acknowledged.items())
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for identity in identities:
        caller, number = identity.split(":")
        numbers[caller].append(int(number))
    assert all(own == list(range(len(own))) for own in numbers.values())


async def everything(path: Path) -> list[Record]:
    log = await open_log_reader(path, "history")
    records: list[Record] = []
    frontier: Frontier = BEGINNING
    while batch := await log.read(frontier, 1000):
        records += batch
        frontier = after(frontier, [record.position for record in batch])
    await log.close()
    return records
