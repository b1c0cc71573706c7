"""Tells whoever writes the read models, in another process, what is waited for in this one.

Without a word a projector lingers: rows that nobody waits for cost less together. What is said is
only a request to hurry; unheard, it costs those who wait that moment.
"""

import asyncio

import structlog

from services.read_models.errors import ReadModelsUnavailable
from services.read_models.models import ReadModels

log = structlog.get_logger(__name__)


class Hurrying:
    """For one event loop."""

    def __init__(self, models: ReadModels) -> None:
        self._models = models
        self._news = asyncio.Event()
        models.hurry_with(self._news.set)

    async def run(self) -> None:
        """Until cancelled. Who begins to wait while it is being said is told of next."""
        while True:
            await self._news.wait()
            self._news.clear()
            wanted = self._models.wanted()
            if wanted:
                try:
                    await self._models.say_wanted(wanted)
                except ReadModelsUnavailable as error:
                    log.warning("nobody is told to hurry", why=str(error))
