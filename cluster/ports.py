"""Free ports of 127.0.0.1 that stay usable while their server is down.

They are from below the range that the kernel gives to outgoing connections. A port from inside it
could become the source of somebody's connection between two starts of its server, and the second
start would fail.
"""

import random
import socket

FIRST_PORT, LAST_PORT = 20_000, 32_000
ATTEMPTS = 200


def free_ports(count: int) -> list[int]:
    """That many ports, all different, on which nobody listens now."""
    # Not seeded: two test runs on one machine should look in different places.
    candidates = random.SystemRandom().sample(range(FIRST_PORT, LAST_PORT), ATTEMPTS)
    found = [port for port in candidates if _is_free(port)]
    if len(found) < count:
        raise OSError(
            f"fewer than {count} of {ATTEMPTS} ports between {FIRST_PORT} and {LAST_PORT} are free"
        )
    return found[:count]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
