"""Which addresses a webhook may reach, and connections to exactly the address that was checked.

A name is looked up once for each connection; what was found is checked, and connected to. No other
look-up comes between, so a name that changes its mind changes nothing; redirects aren't followed.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpcore

from events.errors import CountermandError
from services.webhooks.settings import Network

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
URL_LIMIT_CHARACTERS = 2_000
ADDRESSES_TRIED = 4
NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(CountermandError):
    """A private address that nobody has allowed."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is, or leads to, an address that isn't public; an operator may allow it in "
            "webhooks.allowed_networks"
        )


def refuse_private(host: str, addresses: Iterable[str], allowed: Sequence[Network]) -> None:
    """All of them have to be fit: whoever names a private address among others means it."""
    for text in addresses:
        # A zone names an interface of this machine.
        if "%" in text or not may_reach(ip_address(text), allowed):
            raise AddressRefused(host)


def may_reach(address: Address, allowed: Sequence[Network]) -> bool:
    within = carried_by(address)
    if within is not None:
        return may_reach(within, allowed)
    if any(address.version == each.version and address in each for each in allowed):
        return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def carried_by(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def check_url(url: str, *, plain_http: bool, allowed: Sequence[Network]) -> str:
    """The URL itself, or ValueError. A name is checked when it is connected to, an address now."""
    if len(url) > URL_LIMIT_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"at most {URL_LIMIT_CHARACTERS} printable ASCII characters, no spaces")
    parts = urlsplit(url)
    if parts.scheme != "https" and not (plain_http and parts.scheme == "http"):
        raise ValueError(
            "it must begin with https:// (http:// is for services on this machine or network that "
            "an operator allows: COUNTERMAND_WEBHOOKS__PLAIN_HTTP=true)"
        )
    if parts.username is not None or parts.password is not None:
        raise ValueError("no user name or password: a signature proves who sends")
    if parts.fragment:
        raise ValueError("no fragment")
    host = parts.hostname
    if not host or parts.port == 0:
        raise ValueError("it names no host")
    try:
        address = ip_address(host)
    except ValueError:
        return url
    if not may_reach(address, allowed):
        raise ValueError(str(AddressRefused(host)))
    return url


async def looked_up(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to what was checked, and to nothing else: the first address that answers."""

    def __init__(
        self,
        allowed: Sequence[Network],
        connect_seconds: float,
        resolve: Resolve = looked_up,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allowed = allowed
        self._connect_seconds = connect_seconds
        self._resolve = resolve
        self._network = network or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        # 1. All of them have to be fit before the first is connected to.
        addresses = await self._resolve(host, port)
        if not addresses:
            raise httpcore.ConnectError(f"{host} has no address")
        refuse_private(host, addresses, self._allowed)
        # 2. Each has its share of the time: one that says nothing leaves some to the others.
        *others, last = addresses[:ADDRESSES_TRIED]
        seconds = self._connect_seconds if timeout is None else min(timeout, self._connect_seconds)
        share = seconds / (len(others) + 1)
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout, OSError):
                return await self._network.connect_tcp(
                    address, port, share, local_address, socket_options
                )
        return await self._network.connect_tcp(last, port, share, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused(path)

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)
