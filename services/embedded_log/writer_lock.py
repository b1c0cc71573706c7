"""One writing process for one file, and who it is."""

import fcntl
import os
from pathlib import Path

from events.errors import LogInUse, LogUnavailable


class WriterLock:
    """Held until closed, or until the process ends in whatever way."""

    def __init__(self, path: Path) -> None:
        """Raises `LogInUse` at once when somebody else holds it."""
        beside = path.with_name(path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LogUnavailable(
                f"{path} can't be opened for writing ({error.strerror}). Let this user write that "
                "folder"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise LogInUse(
                f"{path} is already written by process {holder}: end that first, or give this one "
                "a data folder of its own. Reading it, read-only, is possible meanwhile"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        os.close(self._file)
