"""The application: its routes, its errors, its limits."""

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from services.gateway import problems
from services.gateway.body_limit import BodyLimit
from services.gateway.desk import Desk
from services.gateway.dialects.mounting import add_dialects, refusal
from services.gateway.dialects.sigmic.pages import WidgetPages
from services.gateway.ending import Ending
from services.gateway.fast_lane import FastLane
from services.gateway.native import PREFIX
from services.gateway.openapi import whole
from services.gateway.routes import (
    bulk_cancels,
    cancels,
    executors,
    export,
    health,
    history,
    metrics,
    projects,
    pulse,
    regions,
    streams,
    tasks,
    webhooks,
)

VERSION = "1"

DESCRIPTION = """Stops work, and proves that it stopped.

Every write is durable before it is answered, and its answer says what the log decided."""


def new_app(desk: Desk) -> ASGIApp:
    app = FastAPI(
        title="Countermand",
        version=VERSION,
        description=DESCRIPTION,
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.desk = desk
    problems.install(app)
    add_routes(app)
    limit_bytes = desk.settings.gateway.body_limit_bytes
    pages = WidgetPages(app, desk.settings.dialects.sigmic.widgets)
    return Ending(BodyLimit(FastLane(pages, desk, PREFIX), limit_bytes, refusal), refusal)


def described() -> dict[str, Any]:
    """The OpenAPI document, without a service."""
    app = FastAPI(title="Countermand", version=VERSION, description=DESCRIPTION)
    add_routes(app)
    return app.openapi()


def add_routes(app: FastAPI) -> None:
    """As they are: what is included, the framework builds once more, at the first request."""
    for routes in (
        tasks,
        cancels,
        bulk_cancels,
        projects,
        history,
        export,
        executors,
        streams,
        pulse,
        webhooks,
        regions,
        health,
        metrics,
    ):
        app.router.routes.extend(routes.router.routes)
    add_dialects(app)
    describe = app.openapi

    def described_whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = whole(describe())
        return app.openapi_schema

    app.openapi = described_whole  # type: ignore[method-assign]
