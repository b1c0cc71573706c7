"""Says when processes end, on the clock that all processes share: nobody who is measured looks.

A pid on standard input, `watching` on standard output, and once it has ended the nanosecond.
"""

import os
import select
import sys
import time


def main() -> None:
    while line := sys.stdin.readline():
        pidfd = os.pidfd_open(int(line))
        print("watching", flush=True)
        select.select([pidfd], [], [])
        print(time.monotonic_ns(), flush=True)
        os.close(pidfd)


if __name__ == "__main__":
    main()
