"""The CRM's agent tasks."""

from services.gateway.dialects.crm import tasks
from services.gateway.dialects.crm.refusing import owns, refusal, router
from services.gateway.dialects.dialect import Dialect

tasks.routes(router)

CRM = Dialect(
    name="crm",
    router=router,
    owns=owns,
    refusal=refusal,
    security={
        "crm": {"type": "http", "scheme": "bearer"},
        "crm_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        "crm_session": {"type": "apiKey", "in": "cookie", "name": "countermand-session"},
    },
)
