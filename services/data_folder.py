"""What a data folder shows of its past, looked at before anything is made in it."""

from pathlib import Path

from events.errors import LogDamaged
from services.read_models.generations import FOLDER

HISTORY = "history.sqlite"
MADE_AFTER_IT = ("output.sqlite", "heartbeats.sqlite", FOLDER)
"""Whoever made these had made the history before."""


def check_history_is_there(data: Path) -> None:
    """If there ever was one: an empty one in its place would run every id of the past again."""
    if (data / HISTORY).exists():
        return
    left = next((name for name in MADE_AFTER_IT if (data / name).exists()), None)
    if left is not None:
        raise LogDamaged(
            f"{HISTORY} is gone from {data}, where {left} shows that there was one. Put it back "
            f"with the {HISTORY}-wal that was beside it, or restore a backup into a new folder "
            "(countermand restore); to begin anew, name an empty folder with --data"
        )
