"""Widgets run in pages of other origins: browsers let those call here only if we say so.

Only Sigmic's paths, and only the origins that its widgets have in the settings; a page proves
itself by its token, never by a cookie, so nobody's session is lent to it.
"""

from collections.abc import Mapping

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.dialects.settings import Widget
from services.gateway.dialects.sigmic.refusing import owns

METHODS = ("GET", "POST", "DELETE")
HEADERS = ("authorization", "content-type", "idempotency-key")
REMEMBER_SECONDS = 600


class WidgetPages:
    """In front of the application."""

    def __init__(self, app: ASGIApp, widgets: Mapping[str, Widget]) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=origins_of(widgets),
            allow_methods=METHODS,
            allow_headers=HEADERS,
            max_age=REMEMBER_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_sigmic = scope["type"] == "http" and owns(scope["path"])
        await (self._open if is_sigmic else self._app)(scope, receive, send)


def origins_of(widgets: Mapping[str, Widget]) -> list[str]:
    """A widget without origins is used from anywhere."""
    if any(not widget.origins for widget in widgets.values()):
        return ["*"]
    return sorted({origin for widget in widgets.values() for origin in widget.origins})
