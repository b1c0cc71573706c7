"""A region's dock, over its gateways' HTTP API."""

import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from urllib.parse import urlencode

import httpx

from events.errors import CountermandError
from events.positions import Frontier, read_frontier, written_frontier
from services.bridge.wire import NotOk, Wire
from services.outgoing import OutgoingClient
from services.refusals import Conflict
from services.regions.dock import CARRIED_ELSEWISE
from services.regions.settings import RegionAddress

PREFIX = "/countermand/v1/regions"
TEXT_LIMIT_CHARACTERS = 300
SEALED_LIMIT_BYTES = 64_000_000
"""No parcel is so long: JSON may take six bytes for one."""


class RegionUnreachable(CountermandError):
    """A region's gateways didn't answer, or not as they should."""


class HttpDock:
    """Made by `open_dock`."""

    def __init__(
        self, region: str, client: httpx.AsyncClient, wire: Wire, call_seconds: float
    ) -> None:
        self._region = region
        self._client = client
        self._wire = wire
        self._call_seconds = call_seconds

    async def end(self) -> Frontier:
        return self._frontier(await self._asked("/end"))

    async def taken(self, source: str) -> Frontier:
        return self._frontier(await self._asked(f"/{source}/taken"))

    async def parcels(
        self, target: str, start: Frontier, wait_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        """One a line, as they leave."""
        asked = urlencode({"start": written_frontier(start), "wait": str(wait_seconds)})
        silence_seconds = self._call_seconds + wait_seconds
        try:
            async with (
                aclosing(
                    self._wire.pieces(f"{PREFIX}/{target}/parcels?{asked}", silence_seconds)
                ) as pieces,
                aclosing(lines_of(pieces)) as lines,
            ):
                async for line in lines:
                    yield line
        except NotOk as error:
            raise self._refused(*error.answer) from None
        except (OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        except ValueError as error:
            raise self._strange(str(error)) from error

    async def take(self, parcel: bytes) -> None:
        try:
            answer = await self._wire.post(f"{PREFIX}/parcels", parcel)
        except (OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        if answer.status != httpx.codes.OK:
            raise self._refused(answer.status, answer.body)

    def _frontier(self, answer: httpx.Response) -> Frontier:
        try:
            return read_frontier(answer.json()["frontier"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._strange(str(error)) from error

    async def _asked(self, path: str) -> httpx.Response:
        try:
            answer = await self._client.get(PREFIX + path)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.status_code == httpx.codes.OK:
            return answer
        raise self._refused(answer.status_code, answer.content)

    def _unreachable(self, error: Exception) -> "RegionUnreachable":
        why = str(error) or type(error).__name__
        return RegionUnreachable(f"region {self._region!r} can't be reached: {why}")

    def _refused(self, status: int, body: bytes) -> CountermandError:
        try:
            problem = json.loads(body)
            detail, reason = str(problem["detail"]), str(problem.get("reason"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._strange(f"it answered {status}")
        if status == httpx.codes.CONFLICT and reason in CARRIED_ELSEWISE:
            return Conflict(reason, detail)
        return RegionUnreachable(f"region {self._region!r} refused: {detail}")

    def _strange(self, why: str) -> RegionUnreachable:
        return RegionUnreachable(
            f"region {self._region!r} answered strangely: {why[:TEXT_LIMIT_CHARACTERS]}"
        )


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Whole lines, without what ends them; ValueError when one is too long."""
    begun: list[bytes] = []
    size_bytes = 0
    async for chunk in chunks:
        first, *more = chunk.split(b"\n")
        begun.append(first)
        size_bytes += len(first)
        if size_bytes > SEALED_LIMIT_BYTES:
            raise ValueError(f"a line has more than {SEALED_LIMIT_BYTES} bytes")
        for part in more:
            yield b"".join(begun)
            begun, size_bytes = [part], len(part)


@asynccontextmanager
async def open_dock(
    region: str, address: RegionAddress, call_seconds: float
) -> AsyncIterator[HttpDock]:
    """With its connections, which are closed in the end."""
    assert address.url is not None
    assert address.key is not None
    credentials = {"authorization": f"Bearer {address.key.get_secret_value()}"}
    trusted = trust(address)
    wire = Wire(
        address.url, {**credentials, "content-type": "application/json"}, trusted, call_seconds
    )
    try:
        async with OutgoingClient(
            base_url=address.url, headers=credentials, timeout=call_seconds, verify=trusted
        ) as client:
            yield HttpDock(region, client, wire, call_seconds)
    finally:
        wire.close()


def trust(address: RegionAddress) -> ssl.SSLContext:
    """Whom to believe, and what to show."""
    authority = None if address.authority_file is None else str(address.authority_file)
    context = ssl.create_default_context(cafile=authority)
    if address.certificate_file is not None:
        context.load_cert_chain(address.certificate_file, address.certificate_key_file)
    return context


async def open_docks(
    addresses: Mapping[str, RegionAddress], call_seconds: float, opened: AsyncExitStack
) -> dict[str, HttpDock]:
    """By region, of those that have gateways to call. Whoever owns the stack closes them."""
    return {
        region: await opened.enter_async_context(open_dock(region, address, call_seconds))
        for region, address in addresses.items()
        if address.url is not None
    }
