"""NVIDIA Infra Controller's (NICo's) tasks."""

from services.gateway.dialects.dialect import Dialect
from services.gateway.dialects.nico import creating, listing, tasks
from services.gateway.dialects.nico.refusing import owns, refusal, router

for module in (tasks, listing, creating):
    module.routes(router)

NICO = Dialect(
    name="nico",
    router=router,
    owns=owns,
    refusal=refusal,
    security={"nico": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
)
