"""The pulse: what is being stopped right now, and how long it takes."""

from fastapi import Response

from services.gateway.answers import answer
from services.gateway.callers import Called
from services.gateway.native import native_routes
from services.gateway.problems import responses
from services.gateway.pulse_documents import PulseDocument, pulse_document
from services.operations import pulse

router = native_routes("pulse")


@router.get("/pulse", response_model=PulseDocument, responses=responses())
async def get_pulse(caller: Called) -> Response:
    """Live cancels, the time of each phase, overdue stops, deadlines, executors."""
    return answer(pulse_document(await pulse.look(caller.scope, caller.desk.pictures)))
