"""Generations of the read models, one of which is in use: the port to where they are kept."""

from contextlib import AbstractContextManager
from typing import Protocol

from services.read_models.database import Database
from services.read_models.session import Session


class Succession(Protocol):
    """Files in a folder, or schemas of a PostgreSQL database. Blocking, all of it."""

    def live(self) -> int:
        """The number of the generation in use; the first one is made if there is none."""
        ...

    def database(self, number: int) -> Database: ...

    def in_use(self) -> Database:
        """The generation in use, if this release can write and read it."""
        ...

    def has_our_layout(self, number: int) -> bool: ...

    def begin(self, number: int) -> Database:
        """A generation to be built: its tables, empty and without their indexes."""
        ...

    def make_durable(self, number: int) -> None:
        """From then on a power cut can't take it back."""
        ...

    def remove(self, number: int) -> None: ...

    def remove_before(self, number: int) -> None:
        """What was superseded."""
        ...

    def give_way(self, session: Session) -> None:
        """The transaction that this session is in holds up others: where that can be had, it ends
        and changes nothing when its process stands still."""
        ...

    def rebuilding(self) -> AbstractContextManager[None]:
        """Held by the one rebuild that may run; whoever dies gives it back."""
        ...
