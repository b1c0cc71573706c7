"""The log of a single machine: one SQLite file a stream, one writing process, many readers."""

from services.embedded_log.limits import Limits
from services.embedded_log.log import EmbeddedLog, EmbeddedLogReader
from services.embedded_log.opening import memory_log, open_log, open_log_reader

__all__ = [
    "EmbeddedLog",
    "EmbeddedLogReader",
    "Limits",
    "memory_log",
    "open_log",
    "open_log_reader",
]
