"""What the routes of the native API have in common: where they are, and what they refuse."""

from fastapi import APIRouter, Depends

from services.gateway.known_queries import only_known

PREFIX = "/countermand/v1"


def native_routes(tag: str) -> APIRouter:
    """A router for what people's programs ask."""
    return APIRouter(prefix=PREFIX, tags=[tag], dependencies=[Depends(only_known)])
