"""Asks a database that may be away for a while again and again, for whoever can't go on without.

A ledger follows the log for all that a process does. Were PostgreSQL's restart its end, it would be
the end of every run of every executor, too.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog

from services.read_models.errors import ReadModelsUnavailable
from services.read_models.reader import Reader
from services.read_models.session import Session

Answer = TypeVar("Answer")

AGAIN_SECONDS = 0.1
AGAIN_AT_MOST_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Patient:
    """Whoever can't wait cancels."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def ask(self, question: Callable[[Session], Answer]) -> Answer:
        pause = AGAIN_SECONDS
        while True:
            try:
                return await self._reader.ask(question)
            except ReadModelsUnavailable as error:
                if pause == AGAIN_SECONDS:
                    log.warning("waiting for the read models", why=str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, AGAIN_AT_MOST_SECONDS)
