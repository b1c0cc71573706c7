"""Every route of the gateway knows who asks, and bounds what it takes: a new one that doesn't fails
here, or is named here with the reason."""

import inspect
import math
import sys
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pytest
from annotated_types import Le, MaxLen
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Path
from fastapi.routing import APIRoute
from pydantic.fields import FieldInfo
from starlette.routing import BaseRoute

from events.body import ORGANIZATION_PATTERN
from services.gateway import callers
from services.gateway.app import add_routes
from services.gateway.dialects.crm import refusing as crm
from services.gateway.dialects.deep_work import refusing as deep_work
from services.gateway.dialects.nico import callers as nico
from services.gateway.dialects.sigmic import refusing as sigmic
from services.gateway.dialects.xpander import refusing as xpander
from services.gateway.native import PREFIX

WHO_ASKS = {each.caller for each in (callers, crm, deep_work, nico, sigmic, xpander)}
"""What makes a scope of a credential: there is no other way to an operation."""
OPEN_TO_ALL = {
    "/healthz": "says nothing of anybody",
    "/readyz": "says nothing of anybody",
    "/metrics": "says nothing of anybody",
    "/api/v1/auth/token": "the body has the secret of a widget, which has one organization",
}
OF_THE_FRAMEWORK = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}
CUT_TO_SETTINGS = {"limit": "page_rows", "wait": "bounded"}
"""Numbers that settings bound, and what does it."""
BOUNDED_BY_THEMSELVES = (bool, UUID, datetime, Enum)
MINUTE = 60
"""So long may an answer wait that no setting bounds."""
BOUNDED_PATTERN = f"^{ORGANIZATION_PATTERN}$"


def served() -> list[BaseRoute]:
    app = FastAPI()
    add_routes(app)
    return app.routes


ROUTES = [route for route in served() if isinstance(route, APIRoute)]
each_route = pytest.mark.parametrize(
    "route", ROUTES, ids=[f"{min(route.methods or ())} {route.path}" for route in ROUTES]
)


def test_nothing_is_served_that_is_no_route_of_ours() -> None:
    """Nor included: what is, would be built at the first request."""
    others = [route for route in served() if not isinstance(route, APIRoute)]
    assert {getattr(route, "path", str(route)) for route in others} == OF_THE_FRAMEWORK


@each_route
def test_a_route_knows_who_asks(route: APIRoute) -> None:
    assert bool(WHO_ASKS & set(dependencies(route.dependant))) is (route.path not in OPEN_TO_ALL)


@each_route
def test_what_a_route_takes_is_bounded(route: APIRoute) -> None:
    unbounded = [
        each.alias
        for each in get_flat_params(route.dependant)
        if not is_bounded(each.field_info, route, each.alias)
    ]
    assert unbounded == []


def dependencies(dependant: Dependant) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield each.call
        yield from dependencies(each)


def is_bounded(info: FieldInfo, route: APIRoute, name: str) -> bool:
    if isinstance(info, Path) and not route.path.startswith(PREFIX):
        return True  # An id, in a line of HTTP: a dialect says in its own words that it is none.
    bounds = info.metadata
    return all(is_bounded_kind(kind, bounds, route, name) for kind in alternatives(info.annotation))


def alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, UnionType):
        return [each for each in get_args(annotation) if each is not type(None)]
    return [annotation]


def is_bounded_kind(kind: Any, bounds: list[Any], route: APIRoute, name: str) -> bool:
    if get_origin(kind) is Literal:
        return True
    if get_origin(kind) is list or kind is str:
        patterns = [getattr(each, "pattern", None) for each in bounds]
        return BOUNDED_PATTERN in patterns or any(isinstance(each, MaxLen) for each in bounds)
    if kind in (int, float):
        bound = min((float(str(e.le)) for e in bounds if isinstance(e, Le)), default=math.inf)
        return bound <= (MINUTE if name == "wait" else sys.maxsize) or cuts(route, name)
    return issubclass(kind, BOUNDED_BY_THEMSELVES)


def cuts(route: APIRoute, name: str) -> bool:
    """Whether the route's function has what bounds this number called."""
    code = inspect.unwrap(route.endpoint).__code__
    return CUT_TO_SETTINGS.get(name) in code.co_names
