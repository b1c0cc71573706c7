"""A network of its own on this machine, with one cable to ours that can be cut; as root on Linux.

What listens on our loopback can be shown in there, on that network's own: by a relay, which no cut
of the cable touches.
"""

import contextlib
import ctypes
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

NETWORKS = "/run/netns"
NEW_NETWORK = 0x40000000
CHUNK_BYTES = 65_536


class NoNetworks(Exception):
    """They can't be made here; the text says why."""


@dataclass(frozen=True, slots=True)
class Network:
    """Its name, the address at which we are reached from there, and our end of the cable."""

    name: str
    our_address: str
    cable: str
    _relays: list[socket.socket] = field(default_factory=list)

    @property
    def launcher(self) -> tuple[str, ...]:
        """What starts a process in there."""
        return ("ip", "netns", "exec", self.name)

    def cut(self) -> None:
        """Nothing gets through any more, and nobody is told."""
        ip("link", "set", self.cable, "down")

    def mend(self) -> None:
        ip("link", "set", self.cable, "up")

    def show(self, port: int) -> None:
        """Our loopback's port is that of theirs from now on."""
        listening = listener_in(self.name, port)
        self._relays.append(listening)
        threading.Thread(target=relay, args=(listening, port), daemon=True).start()

    def close(self) -> None:
        for each in self._relays:
            # To close it alone would not wake whoever waits for a connection.
            each.shutdown(socket.SHUT_RDWR)
            each.close()
        ip("netns", "delete", self.name)


@contextmanager
def a_network() -> Iterator[Network]:
    """It ends with the block; whoever lives in there is to end before."""
    tag = uuid.uuid4().hex[:8]
    ours, theirs = f"cm{tag}a", f"cm{tag}b"
    # A pair of addresses that nothing else uses, for as long as the test takes.
    block = f"10.213.{int(tag[:2], 16)}.{4 * (int(tag[2:4], 16) // 4)}"
    prefix, last = block.rsplit(".", 1)
    our_address, their_address = f"{prefix}.{int(last) + 1}", f"{prefix}.{int(last) + 2}"
    try:
        ip("netns", "add", f"cm{tag}")
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoNetworks(
            f"network namespaces can't be made here (root, iproute2): {error}"
        ) from None
    network = Network(f"cm{tag}", our_address, ours)
    try:
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", network.name)
        ip("address", "add", f"{our_address}/30", "dev", ours)
        ip("link", "set", ours, "up")
        ip("-n", network.name, "address", "add", f"{their_address}/30", "dev", theirs)
        ip("-n", network.name, "link", "set", theirs, "up")
        ip("-n", network.name, "link", "set", "lo", "up")
        yield network
    finally:
        network.close()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


def listener_in(network: str, port: int) -> socket.socket:
    """A socket stays in the network in which it was made; the thread that made it goes back."""
    made: list[socket.socket] = []

    def make() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"{NETWORKS}/{network}") as there:
            if libc.setns(there.fileno(), NEW_NETWORK) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        made.append(socket.create_server(("127.0.0.1", port)))

    # The thread ends with its work, and with it its stay in there.
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


def relay(listening: socket.socket, port: int) -> None:
    """Until it is closed."""
    while True:
        try:
            near, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=relay_one, args=(near, port), daemon=True).start()


def relay_one(near: socket.socket, port: int) -> None:
    with near, socket.create_connection(("127.0.0.1", port)) as far:
        back = threading.Thread(target=pump, args=(far, near), daemon=True)
        back.start()
        pump(near, far)
        back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    """What comes, and then its end."""
    try:
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # Whoever reads the other way is to see that it is over.
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
