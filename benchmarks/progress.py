"""Says on stderr what is being done, and when: a run may take minutes."""

import sys
import time
from collections.abc import Callable


def tell(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def counting(what: str, every: int = 250_000) -> Callable[[int], None]:
    """To be called with how many more there are."""
    done = 0

    def more(number: int) -> None:
        nonlocal done
        before, done = done, done + number
        if done // every > before // every:
            tell(f"{what}: {done:,}")

    return more
