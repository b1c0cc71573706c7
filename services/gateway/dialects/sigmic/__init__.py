"""Sigmic's task API."""

from services.gateway.dialects.dialect import Dialect
from services.gateway.dialects.sigmic import creating, tasks, telling, widgets
from services.gateway.dialects.sigmic.refusing import owns, refusal, router

for module in (creating, tasks, telling, widgets):
    module.routes(router)

SIGMIC = Dialect(
    name="sigmic",
    router=router,
    owns=owns,
    refusal=refusal,
    security={
        "sigmic": {"type": "http", "scheme": "bearer"},
        "sigmic_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    },
)
