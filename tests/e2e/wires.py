"""Network namespaces, and a wire between them that this process holds: it delays, loses and cuts.

Each namespace has a TUN device of which the other end is here, so that what is sent are real
packets of real connections, and any direction can be cut by itself. Needs root.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_BYTES = 65_536
NETWORK = "10.213.77"
HERE = 254
"""The last part of this process's own address; its packets are never lost."""
WAKE_SECONDS = 0.5


class Wires:
    """Between the namespaces, by their numbers, and this process."""

    def __init__(self, names: Sequence[str]) -> None:
        self.delay_seconds = 0.0
        self.loss = 0.0
        self.cut: set[tuple[str, str]] = set()
        """Directions in which nothing gets through."""
        self._names = dict(enumerate(names, 1))
        self._ends: dict[int, int] = {}
        self._late: list[tuple[float, int, int, bytes]] = []
        self._count = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="wires")
        self._random = random.Random()

    def namespace(self, name: str) -> str:
        return f"cm{os.getpid()}{name}"

    def address(self, name: str) -> str:
        number = next(number for number, each in self._names.items() if each == name)
        return f"{NETWORK}.{number}"

    def open(self) -> None:
        for number, name in self._names.items():
            space, device = self.namespace(name), f"cm{os.getpid() % 10_000}{name}"
            run("ip", "netns", "add", space)
            self._ends[number] = new_tun(device)
            run("ip", "link", "set", device, "netns", space)
            inside = ("ip", "netns", "exec", space, "ip")
            run(*inside, "link", "set", "lo", "up")
            run(*inside, "addr", "add", f"{NETWORK}.{number}/24", "dev", device)
            run(*inside, "link", "set", device, "up")
        device = f"cm{os.getpid() % 10_000}me"
        self._ends[HERE] = new_tun(device)
        run("ip", "addr", "add", f"{NETWORK}.{HERE}/24", "dev", device)
        run("ip", "link", "set", device, "up")
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for end in self._ends.values():
            os.close(end)
        for name in self._names.values():
            run("ip", "netns", "del", self.namespace(name))

    def _carry(self) -> None:
        numbers = {end: number for number, end in self._ends.items()}
        while not self._over.is_set():
            patience = WAKE_SECONDS
            if self._late:
                patience = min(patience, max(0.0, self._late[0][0] - time.monotonic()))
            for end in select.select(list(numbers), [], [], patience)[0]:
                self._take(numbers[end], os.read(end, PACKET_BYTES))
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, target, packet = heapq.heappop(self._late)
                self._give(target, packet)

    def _take(self, source: int, packet: bytes) -> None:
        target = packet[19] if packet[0] >> 4 == 4 else None
        if target not in self._ends:
            return
        if HERE in (source, target):
            self._give(target, packet)
            return
        way = (self._names[source], self._names[target])
        if way in self.cut or self._random.random() < self.loss:
            return
        self._count += 1
        due = time.monotonic() + self.delay_seconds * self._random.uniform(0.5, 1.5)
        heapq.heappush(self._late, (due, self._count, target, packet))

    def _give(self, target: int, packet: bytes) -> None:
        try:
            os.write(self._ends[target], packet)
        except OSError:
            """The device is full, or going: a packet is lost."""


def new_tun(name: str) -> int:
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return end


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


@contextmanager
def wired(*names: str) -> Iterator[Wires]:
    wires = Wires(names)
    try:
        wires.open()
        yield wires
    finally:
        wires.close()
