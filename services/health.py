"""What a service without an HTTP side of its own says of itself: `/healthz` and `/readyz`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from services.gateway.server import Server


def health_server(
    host: str, port: int, connections_limit: int, unready: Callable[[], str | None]
) -> "Server":
    """A small server of its own."""
    # Only who is asked for its health loads one.
    import uvicorn

    from services.gateway.server import Server

    return Server(
        uvicorn.Config(
            health_app(unready),
            host=host,
            port=port,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=1,
            limit_concurrency=connections_limit,
        )
    )


def health_app(unready: Callable[[], str | None]) -> Starlette:
    """`unready` says what keeps the service from its work; None: nothing."""

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "up"})

    async def readyz(_request: Request) -> JSONResponse:
        why = unready()
        return JSONResponse({"status": why or "ready"}, 503 if why else 200)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz)])
