"""xpander.ai's tasks: its REST API, and the paths that its Python SDK really calls."""

from services.gateway.dialects.dialect import Dialect
from services.gateway.dialects.xpander import invoking, sdk, tasks
from services.gateway.dialects.xpander.refusing import owns, refusal, router

for routes in (tasks.routes, invoking.routes, sdk.routes):
    routes(router)

XPANDER = Dialect(
    name="xpander",
    router=router,
    owns=owns,
    refusal=refusal,
    security={"xpander": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
)
