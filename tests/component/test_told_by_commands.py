"""What commands say of answers that no quiet service gives: late ones, and none at all."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from countermand.cli.app import app

TASK: dict[str, Any] = {
    "id": "t", "kind": "sleep", "status": "running", "evidence": None, "attempt": 1,
    "max_attempts": 1, "created_at": "2026-01-01T00:00:00Z", "started_at": None,
    "finished_at": None, "progress": None, "cancel": None, "error": None, "result": None,
    "position": "0:4", "depends_on": [],
}  # fmt: skip
PAGE: dict[str, Any] = {"items": [], "next_cursor": None}
ANSWERS = {
    "/countermand/v1/tasks/t": TASK,
    "/countermand/v1/tasks": {**PAGE, "items": [TASK]},
    "/countermand/v1/tasks/t/history": PAGE,
}


@contextmanager
def answering(headers: Mapping[str, str]) -> Iterator[str]:
    """A service that gives these answers; its URL."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(ANSWERS[self.path.partition("?")[0]]).encode()
            self.send_response(200)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def command(url: str, *words: str) -> Result:
    wide = {"COLUMNS": "300"}
    return CliRunner().invoke(app, [*words, "--url", url, "--key", "k"], env=wide)


READS = [("status", "t"), ("status",), ("history", "t"), ("replay", "t")]


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_a_read_that_gave_up_waiting_is_told_for_one(words: tuple[str, ...]) -> None:
    with answering({"countermand-behind": "0:9"}) as url:
        said = command(url, *words)
        as_json = command(url, *words, "--json")

    assert (said.exit_code, as_json.exit_code) == (0, 0)
    assert "what is shown doesn't reach 0:9 yet" in said.stderr
    assert json.loads(as_json.stderr)["behind"] == "0:9"
    for line in as_json.stdout.splitlines():
        json.loads(line)


def test_a_read_that_shows_everything_says_nothing_of_it() -> None:
    with answering({}) as url:
        said = [command(url, *words) for words in READS]

    assert [(each.exit_code, each.stderr) for each in said] == [(0, "")] * len(READS)


@pytest.mark.parametrize("words", [("status", "t"), ("watch", "t")], ids=" ".join)
def test_where_nobody_answers_the_command_ends_and_says_what_to_do(
    words: tuple[str, ...],
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    said = command(nobody, *words)

    assert said.exit_code == 3
    assert said.stderr.startswith(f"no service answers at {nobody}: ")
    assert "countermand up" in said.stderr
    assert len(said.stderr.splitlines()) == 1


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://127.0.0.1", "http://[::"])
def test_what_is_no_address_is_refused(url: str) -> None:
    said = command(url, "status")

    assert said.exit_code == 2
    assert "is no address of a service: write it as http://127.0.0.1:8700" in said.stderr
