"""A stop is raised in the author's code, and never in ours."""

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from countermand.handlers import Stop, TaskStopped
from countermand.handlers.sync_serving import Run, SyncHost, _authors_code

PATIENCE_SECONDS = 60.0
ORDER = {"run": "r", "task": "t", "attempt": 1, "payload": {}, "handler": "h"}


class Host(SyncHost):
    """Says when it would signal its main thread."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(channel, {}, 1000)
        self.signalled = threading.Event()

    def _signal(self) -> None:
        self.signalled.set()


@pytest.fixture
def host() -> Iterator[Host]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        host = Host(ours)
        host._current = Run(ORDER, host)
        host._current.context.stopping = Stop("request", "enough", 1.0)
        yield host


def interrupt(host: Host) -> None:
    frame: FrameType = sys._getframe()
    host._interrupt(signal.SIGUSR1, frame)


def test_in_the_authors_code_it_is_raised_once(host: Host) -> None:
    with pytest.raises(TaskStopped, match="enough"):
        _authors_code(interrupt, (host,))
    _authors_code(interrupt, (host,))
    assert not host.signalled.is_set()


def test_beside_the_authors_code_it_is_tried_again_a_moment_later(host: Host) -> None:
    interrupt(host)
    assert host.signalled.wait(PATIENCE_SECONDS)


def test_within_a_message_it_is_put_off_to_its_end(host: Host) -> None:
    def says() -> None:
        with host.unbroken():
            with host.unbroken():
                interrupt(host)
            assert not host.signalled.is_set()

    _authors_code(says, ())
    assert host.signalled.is_set()


def test_without_a_run_or_a_reason_nothing_happens(host: Host) -> None:
    assert host._current is not None
    host._current.context.stopping = None
    _authors_code(interrupt, (host,))
    host._current = None
    _authors_code(interrupt, (host,))
    assert not host.signalled.is_set()
