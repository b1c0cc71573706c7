"""A folder on the disk this runs on: a temporary one may be memory, where nothing is durable."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def folder_on_disk() -> Iterator[Path]:
    build = Path("build")
    build.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="benchmark-", dir=build) as folder:
        yield Path(folder)
