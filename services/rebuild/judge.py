"""`python -m services.rebuild.judge`: a process that folds a share of the roots into rows.

It is given records and gives back rows, through its pipes, and knows neither the log nor the read
models. It ends with the rebuild that started it, however that ends.
"""

import gc
import sys
from collections import deque
from collections.abc import Collection, Iterable
from typing import Any, BinaryIO

from events.errors import UnknownVersion
from events.event import decode
from events.log import Record
from events.positions import Frontier
from projections.batch import Batch, add
from projections.entry import Decoded, decoded
from projections.memory import Memory
from projections.place import Stored, position
from services.rebuild.frames import PART, RECALL, ROWS, UNREAD, receive, send


def main() -> int:
    # As in the rebuild: everything here is gone with its last reference.
    gc.disable()
    judge = Judge(sys.stdin.buffer, sys.stdout.buffer, finished_kept=int(sys.argv[1]))
    try:
        while True:
            judge.judge(*judge.asked_for())
    except UnknownVersion:
        return 0
    except (EOFError, BrokenPipeError):
        # Whoever asked is gone, or needs no more. What is left to be said, nobody hears.
        sys.stdout = None
        return 0


class Judge:
    """Holds the roots of its share that are alive or lately were."""

    def __init__(self, asked: BinaryIO, answers: BinaryIO, finished_kept: int) -> None:
        self._asked = asked
        self._answers = answers
        self._memory = Memory(finished_kept)
        self._ahead: deque[Any] = deque()
        """What it was asked for while it waited for a root's events."""

    def asked_for(self) -> Any:
        """The next records to be judged."""
        if self._ahead:
            return self._ahead.popleft()
        _, *batch = receive(self._asked)
        return batch

    def judge(self, stored: list[Stored], new: Collection[str], written: Frontier) -> None:
        """Answer these records by their rows.

        `new`: keys of which the read models had no event when they had come as far as `written`.
        """
        batch = [self._read(each) for each in stored]
        self._recall(batch, set(new), written)
        rows = Batch({})
        for one, each in zip(batch, stored, strict=True):
            add(rows, each, self._memory.enter(one))
        send(self._answers, (ROWS, tuple(rows.rows())))

    def _read(self, stored: Stored) -> Decoded:
        place, appended_us, _, value = stored
        try:
            return decoded(Record(position(place), value, appended_us))
        except UnknownVersion:
            send(self._answers, (UNREAD, value))
            raise

    def _recall(self, batch: Iterable[Decoded], new: Collection[str], written: Frontier) -> None:
        """A root that isn't here has no event that the read models hadn't then: it was forgotten
        because they had them all, or there never was one."""
        self._memory.forget(written)
        for key in self._memory.missing(batch):
            self._memory.recall(key)
            if key not in new:
                send(self._answers, (RECALL, key))
                while values := self._part():
                    self._memory.recall(key, map(decode, values))

    def _part(self) -> list[bytes]:
        while True:
            kind, *said = receive(self._asked)
            if kind == PART:
                values: list[bytes] = said[0]
                return values
            self._ahead.append(said)


if __name__ == "__main__":
    sys.exit(main())
