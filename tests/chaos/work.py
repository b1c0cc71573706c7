"""What is submitted in chaos: what ends soon, what ends never, what fails, what can't be asked."""

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
]
