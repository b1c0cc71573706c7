"""What is submitted in chaos: what ends soon, what ends never, what fails, what can't be asked."""

import random
from pathlib import Path
from typing import Any

WORK: list[tuple[str, dict[str, Any]]] = [
    ("sleep", {"seconds": 0.05}),
    ("sleep", {"seconds": 2}),
    ("sleep", {"seconds": 300}),
    ("stubborn", {"seconds": 300}),
    ("count", {"every_ms": 100, "times": 10}),
    ("fail", {"message": "as asked"}),
    ("tree", {}),
    ("quick", {}),
    ("exclusive", {}),
]


def something_to_do(chance: random.Random, folder: Path) -> tuple[str, dict[str, Any]]:
    """A kind and its payload. Every `exclusive` one has a lock of its own in the folder."""
    kind, payload = chance.choice(WORK)
    if kind == "exclusive":
        payload = {"lock": str(folder / f"{chance.getrandbits(64):016x}.lock")}
    return kind, payload


def ran_twice(folder: Path) -> list[Path]:
    """The traces of two runs of one task at the same time."""
    return list(folder.glob("*.twice"))
