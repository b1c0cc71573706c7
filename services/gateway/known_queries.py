"""A query may name only what its route knows: a filter that is spelled wrong would show everything,
and a `force` in the wrong place would stop nobody sooner."""

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute

from services.gateway.callers import Called
from services.refusals import Invalid

NAME_CHARACTERS = 100


def only_known(request: Request, caller: Called) -> None:
    """For routes that are asked by people's programs, once it is known who asks."""
    route = request.scope["route"]
    if not request.query_params or not isinstance(route, APIRoute):
        return
    parameters = get_flat_params(route.dependant)
    known = {each.alias for each in parameters if isinstance(each.field_info, Query)}
    for name in request.query_params:
        if name not in known:
            they_are = f"it knows {', '.join(sorted(known))}" if known else "it takes no query"
            raise Invalid(name[:NAME_CHARACTERS], f"this route has no such parameter: {they_are}")
