"""Deep Work's projects, and mission control, where its clients list and get them."""

from services.gateway.dialects.deep_work import mission_control, plans, projects, starting, tasks
from services.gateway.dialects.deep_work.refusing import owns, refusal, router
from services.gateway.dialects.dialect import Dialect

for module in (starting, plans, projects, tasks, mission_control):
    module.routes(router)

DEEP_WORK = Dialect(
    name="deep-work",
    router=router,
    owns=owns,
    refusal=refusal,
    security={
        "deep_work": {"type": "http", "scheme": "bearer"},
        "deep_work_query": {"type": "apiKey", "in": "query", "name": "token"},
    },
)
