"""Which of the addresses of a receiver's name is connected to."""

from collections.abc import Iterable, Sequence
from typing import Any

import httpcore
import pytest

from services.webhooks.addresses import AddressRefused, CheckedNetwork


class Addresses(httpcore.AsyncMockBackend):
    """A network in which some addresses take connections, and some say nothing."""

    def __init__(self, taking: Sequence[str], silent: Sequence[str] = ()) -> None:
        super().__init__([])
        self.tried: list[tuple[str, float | None]] = []
        self._taking = taking
        self._silent = silent

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.tried.append((host, timeout))
        if host in self._taking:
            return await super().connect_tcp(host, port)
        if host in self._silent:
            raise httpcore.ConnectTimeout
        raise httpcore.ConnectError


async def connected(network: Addresses, addresses: Sequence[str]) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    checked = CheckedNetwork([], 6.0, resolve, network)
    await checked.connect_tcp("receiver.example", 443)


async def test_an_address_that_takes_no_connection_leaves_it_to_the_next() -> None:
    network = Addresses(["1.1.1.1"], silent=["2606:4700::1111"])
    await connected(network, ["2606:4700::1111", "9.9.9.9", "1.1.1.1"])
    assert network.tried == [("2606:4700::1111", 2.0), ("9.9.9.9", 2.0), ("1.1.1.1", 2.0)]


async def test_when_none_takes_a_connection_it_fails_after_a_few() -> None:
    network = Addresses([])
    with pytest.raises(httpcore.ConnectError):
        await connected(network, [f"9.9.9.{n}" for n in range(10)])
    assert [address for address, _ in network.tried] == [f"9.9.9.{n}" for n in range(4)]


async def test_a_private_address_behind_a_public_one_is_enough_to_try_none() -> None:
    network = Addresses(["9.9.9.9"])
    with pytest.raises(AddressRefused):
        await connected(network, ["9.9.9.9", "10.0.0.8"])
    assert network.tried == []
