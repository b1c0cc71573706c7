"""Decoding events and folding them, beside merely parsing their JSON."""

import json
import time

from benchmarks.figures import Figure, Measurement, at_least, in_turns
from benchmarks.histories import EVENTS_PER_TASK, messages
from events.event import decode
from events.fold import evolve
from events.outcome import apply
from events.state import Root
from events.words import Verdict

TASKS = 4_000


def decode_and_fold() -> Measurement:
    values = [message.value for message in messages(TASKS)]

    def folded() -> float:
        began = time.perf_counter()
        left = fold(values)
        seconds = time.perf_counter() - began
        assert left == 0, "every history of the benchmark ends"
        return len(values) / seconds

    def parsed() -> float:
        began = time.perf_counter()
        for value in values:
            json.loads(value)
        return len(values) / (time.perf_counter() - began)

    return in_turns(folded, parsed, "events/s", rounds=9)


def fold(values: list[bytes]) -> int:
    """Fold all of them, dropping each root once it is finished; how many are left."""
    roots: dict[str, Root] = {}
    for value in values:
        event = decode(value)
        key = event.key
        root = roots.get(key)
        if root is None:
            root = roots[key] = Root()
        outcome = evolve(root, event)
        apply(root, outcome)
        assert outcome.verdict is not Verdict.VOID
        if not root.live:
            del roots[key]
    return len(roots)


FIGURES = [
    Figure(
        name="decode and fold: events/s",
        beside=f"json.loads of the same bytes ({EVENTS_PER_TASK} events a task)",
        target=at_least(0.15),
        measure=decode_and_fold,
    )
]
