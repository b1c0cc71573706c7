"""Which executors are alive, and which of them is to try a task first.

Known from heartbeats. It decides only who tries when: the log decides who has the run.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Heartbeat(BaseModel):
    """What an executor says of itself, several times a lease, on a stream of its own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    executor: str
    sent_at: AwareDatetime
    region: str
    labels: dict[str, str] = {}
    kinds: frozenset[str] = frozenset()
    budgets_seconds: dict[str, float] = {}
    """Of those kinds whose runs are to stop within a time."""
    lease_seconds: float
    concurrent_runs: int = 0
    running: int = 0
    draining: bool = False
    ended: bool = False
    """The last one: this executor has nothing left and will say no more."""


class Peer(NamedTuple):
    heartbeat: Heartbeat
    until: float
    """By the event loop's clock here: alive until then, unless it says more."""


def weight(executor: str, task_id: str) -> bytes:
    return hashlib.blake2b(f"{executor}\x00{task_id}".encode(), digest_size=8).digest()


class Peers:
    """The executors alive in a region, by what they last said."""

    def __init__(self, region: str, clock: Callable[[], float]) -> None:
        self._region = region
        self._clock = clock
        self._peers: dict[str, Peer] = {}

    def heard(self, heartbeat: Heartbeat) -> None:
        if heartbeat.region != self._region:
            return
        if heartbeat.ended:
            self._peers.pop(heartbeat.executor, None)
        else:
            until = self._clock() + heartbeat.lease_seconds
            self._peers[heartbeat.executor] = Peer(heartbeat, until)

    def alive(self) -> list[Heartbeat]:
        now = self._clock()
        gone = [executor for executor, peer in self._peers.items() if peer.until < now]
        for executor in gone:
            del self._peers[executor]
        return [peer.heartbeat for peer in self._peers.values()]

    def before(self, me: str, task_id: str, kind: str, requires: Mapping[str, str]) -> int:
        """How many others are to try this task before `me`."""
        others = [
            peer.executor
            for peer in self.alive()
            if peer.executor != me and can_run(peer, kind, requires)
        ]
        if not others:
            return 0
        mine = weight(me, task_id)
        return sum(weight(other, task_id) > mine for other in others)

    def anybody_knows(self, kind: str) -> bool:
        """Also who is draining: it may go on, or somebody like it may come."""
        return any(kind in peer.kinds for peer in self.alive())


def can_run(peer: Heartbeat, kind: str, requires: Mapping[str, str]) -> bool:
    return (
        not peer.draining
        and kind in peer.kinds
        and all(peer.labels.get(name) == value for name, value in requires.items())
    )
