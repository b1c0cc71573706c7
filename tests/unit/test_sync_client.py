"""The client without asyncio: the same methods, typed, and nothing left open."""

import inspect
from collections.abc import AsyncGenerator, Iterator
from typing import assert_type

import pytest

from countermand.client import Client, Receipt, SyncClient, Task
from countermand.client.loop_thread import LoopThread
from tests.sync_stub import STUB, written


def type_checkers_know(client: SyncClient) -> None:
    """Looked at by mypy; nobody calls it."""
    assert_type(client.cancel("x"), Receipt)
    assert_type(client.tasks(limit=3), Iterator[Task])


def test_what_type_checkers_know_is_what_the_client_has() -> None:
    assert STUB.read_text() == written(), "run `make fix`"


def test_every_method_of_the_client_is_there() -> None:
    public = [name for name, _ in inspect.getmembers(Client, callable) if name[0] != "_"]
    with SyncClient() as client:
        assert len(public) > 30
        assert all(callable(getattr(client, name)) for name in public)
        with pytest.raises(AttributeError):
            client._not_there  # type: ignore[attr-defined]  # noqa: B018


def test_who_stops_reading_lets_go_of_the_connection() -> None:
    let_go: list[str] = []

    async def rows() -> AsyncGenerator[int, None]:
        try:
            for number in range(10):
                yield number
        finally:
            let_go.append("connection")

    loop = LoopThread("test")
    for number in (reading := loop.iterate(rows())):
        if number == 2:
            break
    assert isinstance(reading, Iterator)
    del reading
    assert let_go == ["connection"]
    loop.close()
