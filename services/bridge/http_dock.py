"""A region's dock, over its gateways' HTTP API."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from pydantic import ValidationError

from events.errors import CountermandError
from events.positions import Frontier, read_frontier, written_frontier
from services.outgoing import OutgoingClient
from services.refusals import Conflict
from services.regions.dock import CARRIED_ELSEWISE
from services.regions.parcels import Parcel
from services.regions.settings import RegionAddress

PREFIX = "/countermand/v1/regions"
TEXT_LIMIT_CHARACTERS = 300


class RegionUnreachable(CountermandError):
    """A region's gateways didn't answer, or not as they should."""


class HttpDock:
    """Made by `open_dock`."""

    def __init__(self, region: str, client: httpx.AsyncClient) -> None:
        self._region = region
        self._client = client

    async def end(self) -> Frontier:
        return self._frontier(await self._call("GET", "/end"))

    async def taken(self, source: str) -> Frontier:
        return self._frontier(await self._call("GET", f"/{source}/taken"))

    async def parcel(self, target: str, start: Frontier, wait_seconds: float) -> Parcel:
        asked = {"start": written_frontier(start), "wait": str(wait_seconds)}
        answer = await self._call("GET", f"/{target}/parcel", wait_seconds, params=asked)
        try:
            return Parcel.model_validate_json(answer.content)
        except ValidationError as error:
            raise self._strange(str(error)) from error

    async def take(self, parcel: Parcel) -> None:
        headers = {"content-type": "application/json"}
        body = parcel.__pydantic_serializer__.to_json(parcel)
        await self._call("POST", "/parcels", headers=headers, content=body)

    def _frontier(self, answer: httpx.Response) -> Frontier:
        try:
            return read_frontier(answer.json()["frontier"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._strange(str(error)) from error

    async def _call(
        self, method: str, path: str, wait_seconds: float = 0.0, **more: Any
    ) -> httpx.Response:
        client = self._client
        patience = client.timeout.connect or 0.0
        timeout = httpx.Timeout(patience, read=patience + wait_seconds)
        try:
            answer = await client.request(method, PREFIX + path, timeout=timeout, **more)
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise RegionUnreachable(f"region {self._region!r} can't be reached: {why}") from error
        if answer.status_code == httpx.codes.OK:
            return answer
        raise self._refused(answer)

    def _refused(self, answer: httpx.Response) -> CountermandError:
        try:
            problem = answer.json()
            detail, reason = str(problem["detail"]), str(problem.get("reason"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._strange(f"it answered {answer.status_code}")
        if answer.status_code == httpx.codes.CONFLICT and reason in CARRIED_ELSEWISE:
            return Conflict(reason, detail)
        return RegionUnreachable(f"region {self._region!r} refused: {detail}")

    def _strange(self, why: str) -> RegionUnreachable:
        return RegionUnreachable(
            f"region {self._region!r} answered strangely: {why[:TEXT_LIMIT_CHARACTERS]}"
        )


@asynccontextmanager
async def open_dock(
    region: str, address: RegionAddress, call_seconds: float
) -> AsyncIterator[HttpDock]:
    """With its connections, which are closed in the end."""
    async with OutgoingClient(
        base_url=address.url,
        headers={"authorization": f"Bearer {address.key.get_secret_value()}"},
        timeout=call_seconds,
        verify=trust(address),
    ) as client:
        yield HttpDock(region, client)


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
    """By region. Whoever owns the stack closes them."""
    return {
        region: await opened.enter_async_context(open_dock(region, address, call_seconds))
        for region, address in addresses.items()
    }
