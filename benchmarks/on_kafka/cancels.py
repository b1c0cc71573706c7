"""Cancels over HTTP with every service in a process of its own, beside what they can't do without.

Two executors, one gateway, one projector; the limits are bare parts on the same broker, database
and web server.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from benchmarks.figures import Figure, Measurement, at_least, at_most, in_turns
from benchmarks.on_kafka.bare_parts import Commits, Trips, bare_server, post_ms
from benchmarks.on_kafka.site import Site, services, site
from benchmarks.pairs import pairs_beside
from benchmarks.plain_http import Connection
from benchmarks.servers import Server
from benchmarks.single_cancels import CANCELS_PER_ROUND, TASKS, Cancels
from events.cancel_events import TaskCancelled

ROUNDS = 5
WARMING = 8
"""Rounds of both, before any counts. A broker compiles what it does often while it does it, for
about its first minute, and takes three to five times the processor meanwhile: of ours, which asks
it for more, it would be measured how long a broker needs to warm up."""
SETTLES_SECONDS = 30.0


@contextmanager
def served() -> Iterator[tuple[Site, Server, Server]]:
    """Ours, and the bare one."""
    with (
        site() as ours,
        services(ours, "gateway", "executor", "executor", "projector") as (gateway, *_),
        bare_server(ours) as bare,
    ):
        key = ours.run("keys", "create", "--org", "acme", "--role", "admin")
        port = urlsplit(gateway).port
        assert port is not None
        yield ours, Server(port, f"authorization: Bearer {key}\r\n", ours.folder), bare


def one_by_one(
    measure: Callable[[Cancels], float], limit_ms: Callable[[Trips, Commits], float]
) -> Measurement:
    with (
        served() as (ours, server, bare),
        closing(Trips(ours)) as trips,
        closing(Commits(ours)) as commits,
    ):
        cancels, connection = Cancels(server), bare.connection()

        def measured() -> float:
            cancels.skip_stopped()
            return statistics.median(measure(cancels) for _ in range(CANCELS_PER_ROUND))

        def limit() -> float:
            return post_ms(connection) + limit_ms(trips, commits)

        return in_turns(measured, limit, "ms", ROUNDS, WARMING)


def call_to_stopped() -> Measurement:
    return one_by_one(Cancels.to_stopped_ms, lambda trips, _: trips.ms())


def call_to_readable() -> Measurement:
    return one_by_one(Cancels.to_readable_ms, lambda trips, commits: trips.ms() + commits.ms())


def pairs() -> Measurement:
    """What is said of a pair after its answers is over before the limit has its turn."""
    with served() as (_, server, bare), closing(server.connection()) as connection:

        def settle(task_id: str) -> None:
            deadline = time.monotonic() + SETTLES_SECONDS
            while not closed(connection, task_id):
                assert time.monotonic() < deadline, "nobody notes that it never started"
                time.sleep(0.05)

        return pairs_beside(server, bare, "/one", settle, WARMING)


def closed(connection: Connection, task_id: str) -> bool:
    """Whether its history has the note that it never started."""
    _, body = connection.ask("GET", f"{TASKS}/{task_id}/history")
    return any(TaskCancelled.TYPE in item["event"]["type"] for item in json.loads(body)["items"])


FIGURES = [
    Figure(
        "kafka: cancel of a running handler, call to stopped, median",
        "a bare FastAPI POST that awaits one produce, and one trip from produce to consumer",
        at_most(2.0),
        call_to_stopped,
    ),
    Figure(
        "kafka: cancel of a running handler, call to readable, median",
        "the same, and one commit of PostgreSQL",
        at_most(2.5),
        call_to_readable,
    ),
    Figure(
        "kafka: submit + cancel pairs, 64 connections",
        "as many pairs of bare FastAPI POSTs that await one produce each",
        at_least(0.4),
        pairs,
    ),
]
