"""The application: its routes, its errors, its limits."""

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from services.gateway import problems
from services.gateway.body_limit import BodyLimit
from services.gateway.callers import SECURITY_SCHEMES
from services.gateway.desk import Desk
from services.gateway.dialects.mounting import add_dialects, describe_security, too_large
from services.gateway.dialects.sigmic.pages import WidgetPages
from services.gateway.fast_lane import FastLane
from services.gateway.native import PREFIX
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
    return BodyLimit(FastLane(pages, desk, PREFIX), limit_bytes, too_large)


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

    def with_problems() -> dict[str, Any]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        for path, operations in document["paths"].items():
            for operation in operations.values() if path.startswith(PREFIX) else ():
                operation["security"] = [{name: []} for name in SECURITY_SCHEMES]
        describe_security(document)
        schemas["ProblemDocument"] = problems.ProblemDocument.model_json_schema()
        return document

    app.openapi = with_problems  # type: ignore[method-assign]
