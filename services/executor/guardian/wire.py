"""What guardian, keepers and executor say to each other: one JSON object a packet.

The sockets are SOCK_SEQPACKET: a packet arrives whole or not at all. What is long (a command with
its environment) goes as a file in memory, whose descriptor is in the packet.
"""

import contextlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

PACKET_BYTES = 32_768
MOST_FDS = 250
"""Linux takes 253 descriptors in a packet; three are ours."""
ERROR_CHARACTERS = 2_000

# From the executor to the guardian.
SPAWN = "spawn"
LEASE = "lease"
TAKE_OVER = "take_over"
# From the executor to a keeper: whole packets, as a stop waits for nothing to be decoded.
TERMINATE = b"terminate"
TERMINATE_OTHERS = b"terminate others"
"""The main process's group has been asked, by the executor itself."""
KILL = b"kill"
# From the guardian.
READY = "ready"
CANNOT_GUARD = "cannot_guard"
# From a keeper, or from the guardian in its place.
STARTED = "started"
CANNOT_START = "failed_to_start"
EXITED = "exited"
GONE = b"gone "
"""A packet that begins so says status, killed and by whom, divided by spaces: see TERMINATE."""


def encoded(what: str, **about: object) -> bytes:
    return json.dumps({"what": what, **about}).encode()


def decoded(packet: bytes) -> dict[str, Any]:
    words: dict[str, Any] = json.loads(packet)
    return words


def tell(sock: socket.socket, what: str, **about: object) -> None:
    """Say it if somebody listens. Never waits: who doesn't read, learns the end from the
    socket's end."""
    send(sock, encoded(what, **about))


def tell_gone(sock: socket.socket, status: int | None, killed: int, by: str) -> None:
    """The proof."""
    send(sock, b"%s%d %d %s" % (GONE, -1 if status is None else status, killed, by.encode()))


def gone(packet: bytes) -> tuple[int | None, int, str]:
    """What `tell_gone` said."""
    status, killed, by = packet[len(GONE) :].split()
    return None if status == b"-1" else int(status), int(killed), by.decode()


def send(sock: socket.socket, packet: bytes) -> None:
    with contextlib.suppress(OSError):
        sock.send(packet, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def in_memory(words: Mapping[str, object]) -> int:
    """A file in memory that holds these words."""
    fd = os.memfd_create("countermand", os.MFD_CLOEXEC)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(json.dumps(words).encode())
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd


def from_memory(fd: int) -> dict[str, Any]:
    """What `in_memory` wrote. Closes the file."""
    with open(fd, "rb") as file:
        return decoded(file.read())


def heard(sock: socket.socket) -> bytes | None:
    """The next packet: empty at the end, None when there is nothing now."""
    while True:
        try:
            return sock.recv(PACKET_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            # The other end closed without having read everything. What it said comes after this.
            continue
        except OSError:
            return b""


def receive(sock: socket.socket) -> tuple[bytes, Sequence[int]]:
    """A packet and its descriptors, none of which a program that is started will inherit."""
    packet, fds, _, _ = socket.recv_fds(
        sock, PACKET_BYTES, MOST_FDS + 3, socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT
    )
    return packet, fds
