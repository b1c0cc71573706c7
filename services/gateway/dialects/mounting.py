"""Which dialects there are, and how they come into the application."""

from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from events.errors import CountermandError
from services.gateway import problems
from services.gateway.dialects.crm import CRM
from services.gateway.dialects.deep_work import DEEP_WORK
from services.gateway.dialects.dialect import Dialect
from services.gateway.dialects.nico import NICO
from services.gateway.dialects.sigmic import SIGMIC
from services.gateway.dialects.xpander import XPANDER

DIALECTS: tuple[Dialect, ...] = (XPANDER, SIGMIC, CRM, NICO, DEEP_WORK)


def add_dialects(app: FastAPI) -> None:
    """Their routes, and their own words for paths and methods that they don't have."""
    for dialect in DIALECTS:
        app.router.routes.extend(dialect.router.routes)
    app.add_exception_handler(HTTPException, no_such_route)


async def no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    dialect = dialect_of(request.url.path)
    if dialect is None:
        return await problems.no_such_route(request, error)
    response = dialect.refusal(request.url.path, error)
    response.headers.update(error.headers or {})
    return response


def refusal(path: str, error: CountermandError) -> Response:
    """Of what no route has seen, in the words of the dialect that has the path."""
    dialect = dialect_of(path)
    return problems.problem_of(error) if dialect is None else dialect.refusal(path, error)


def dialect_of(path: str) -> Dialect | None:
    return next((dialect for dialect in DIALECTS if dialect.owns(path)), None)


def describe_security(document: dict[str, Any]) -> None:
    """For OpenAPI: which credentials each dialect's routes take."""
    schemes = document["components"]["securitySchemes"]
    for dialect in DIALECTS:
        schemes.update(dialect.security)
        for path, operations in document["paths"].items():
            for operation in operations.values():
                if dialect.name in operation.get("tags", ()) and dialect.owns(path):
                    operation["security"] = [{name: []} for name in dialect.security]
