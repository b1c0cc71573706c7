"""A receiver of webhooks that behaves as a test says: accepts, fails, is slow, or never answers."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.e2e.http_side import HttpSide

PATIENCE_SECONDS = 60.0


class Received(NamedTuple):
    """One request."""

    path: str
    id: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers each request with what `answers` says; None: never, until it is stopped."""

    def __init__(
        self, answers: Callable[[int, str], int | None] = lambda number, path: 204
    ) -> None:
        self.answers = answers
        self.location = ""
        self.pause_seconds = 0.0
        """Before it answers."""
        self._received: list[Received] = []
        self._news = threading.Condition(threading.RLock())
        self._ended = threading.Event()
        self._side = HttpSide(self._take)

    @property
    def url(self) -> str:
        return self._side.url

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers["content-length"])
        body = request.rfile.read(length)
        if len(body) < length:
            return  # Who sent it was killed: nobody has received anything.
        with self._news:
            status = self.answers(len(self._received), request.path)
            headers = {name.lower(): value for name, value in request.headers.items()}
            received = Received(request.path, headers["webhook-id"], headers, body, status or 0)
            self._received.append(received)
            self._news.notify_all()
        if status is None:
            self._ended.wait(PATIENCE_SECONDS)
            return
        self._ended.wait(self.pause_seconds)
        request.send_response(status)
        if 300 <= status < 400:
            request.send_header("location", self.location)
        request.send_header("content-length", "0")
        request.end_headers()

    def received(self, path: str = "/") -> list[Received]:
        with self._news:
            return [each for each in self._received if each.path == path]

    def accepted(self, path: str = "/") -> list[Received]:
        return [each for each in self.received(path) if 200 <= each.status < 300]

    def until(self, true: Callable[[], bool]) -> None:
        """Returns once this holds; looked at after every request."""
        with self._news:
            assert self._news.wait_for(true, PATIENCE_SECONDS), [
                (each.path, each.id, each.status) for each in self._received
            ]

    def close(self) -> None:
        self._ended.set()
        self._side.close()
