"""The limit of every service on FastAPI: a durable commit and an answer, and nothing else.

`python -m benchmarks.bare_server FOLDER PORT` with the server settings of the gateway.
"""

import asyncio
import sqlite3
import sys
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

import uvicorn
import uvloop
from fastapi import FastAPI, Response
from pydantic import BaseModel

from services.gateway.server import new_server
from services.settings import GatewaySettings


class Body(BaseModel):
    value: str


def opened(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        folder / "bare.sqlite", isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, value TEXT)")
    return connection


class Grouped:
    """One thread that commits whatever waits."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[str, asyncio.Future[None]]] = SimpleQueue()
        threading.Thread(target=self._run, args=(opened(folder),), daemon=True).start()

    async def append(self, value: str) -> None:
        stored: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((value, stored))
        await stored

    def _run(self, connection: sqlite3.Connection) -> None:
        while True:
            group = [self._queue.get()]
            try:
                while len(group) < 1000:
                    group.append(self._queue.get_nowait())
            except Empty:
                pass
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO rows (value) VALUES (?)", [(v,) for v, _ in group])
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(self._settle, group)

    def _settle(self, group: list[tuple[str, asyncio.Future[None]]]) -> None:
        for _, stored in group:
            stored.set_result(None)


def new_app(folder: Path, grouped: Grouped, document: bytes) -> FastAPI:
    app = FastAPI()
    connection = opened(folder)

    @app.post("/one")
    async def one(body: Body) -> Body:
        connection.execute("INSERT INTO rows (value) VALUES (?)", (body.value,))
        return body

    @app.post("/grouped")
    async def in_a_group(body: Body) -> Body:
        await grouped.append(body.value)
        return body

    @app.get("/document")
    async def get() -> Response:
        return Response(document, media_type="application/json")

    return app


async def serve(folder: Path, port: int, document: bytes) -> None:
    app = new_app(folder, Grouped(folder), document)
    server: uvicorn.Server = new_server(app, GatewaySettings(port=port), 1)
    await server.serve()


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    document = (folder / "document").read_bytes()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(folder, port, document))


if __name__ == "__main__":
    main()
