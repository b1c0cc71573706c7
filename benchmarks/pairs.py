"""Submissions and cancels from many connections at once, beside bare requests."""

import json
import time
from collections.abc import Callable
from itertools import count

from benchmarks.figures import Measurement, in_turns
from benchmarks.plain_http import Ask, with_connections
from benchmarks.servers import Server
from benchmarks.single_cancels import TASKS

CONNECTIONS = 64
PAIRS_PER_CONNECTION = 12


def pairs_beside(
    ours: Server,
    limit: Server,
    path: str,
    settle: Callable[[str], None] = lambda _: None,
    warming: int = 1,
) -> Measurement:
    """Submit and cancel, beside two bare POSTs. `settle`: gets the last task of a round, before the
    limit has its turn."""
    total = CONNECTIONS * PAIRS_PER_CONNECTION
    numbers = count()

    def per_second(server: Server, ask_pair: Callable[[Ask, int], object]) -> float:
        async def work(_number: int, ask: Ask) -> None:
            for _ in range(PAIRS_PER_CONNECTION):
                await ask_pair(ask, next(numbers))  # type: ignore[misc]

        began = time.perf_counter()
        with_connections(server.port, CONNECTIONS, server.headers, work)
        return total / (time.perf_counter() - began)

    async def pair(ask: Ask, number: int) -> None:
        task = {"id": f"pair-{number}", "kind": "sleep", "payload": {"seconds": 600}}
        status, body = await ask("POST", TASKS, json.dumps(task).encode())
        assert status == 201, body
        status, body = await ask("POST", f"{TASKS}/pair-{number}/cancel", b"{}")
        assert status == 200, body

    async def bare_pair(ask: Ask, _number: int) -> None:
        body = json.dumps({"value": "x" * 200}).encode()
        for _ in range(2):
            status, answer = await ask("POST", path, body)
            assert status == 200, answer

    def measured() -> float:
        rate = per_second(ours, pair)
        settle(f"pair-{next(numbers) - 1}")
        return rate

    return in_turns(measured, lambda: per_second(limit, bare_pair), "pairs/s", 5, warming)
