"""What can be wrong with the read models. None of it loses anything: they follow from the log."""

from collections.abc import Collection, Mapping

from sqlalchemy import URL

from events.errors import CountermandError
from projections.checkpoint import BEGINNING, Checkpoint


class OtherLayout(CountermandError):
    """Tables of another release."""

    def __init__(self, where: str, layout: int, ours: int) -> None:
        super().__init__(
            f"the read models in {where} have layout {layout}, this release writes {ours}: "
            "run `countermand rebuild`"
        )
        self.layout = layout


class ReadModelsUnavailable(CountermandError):
    """The database can't be opened, read or written now."""

    @classmethod
    def because(cls, where: object, why: object) -> "ReadModelsUnavailable":
        place = repr(where) if isinstance(where, URL) else str(where)
        if place.startswith("postgresql"):
            return cls(
                f"{place}: {str(why).strip()}. Check that PostgreSQL runs there, and its address, "
                "user and password (COUNTERMAND_POSTGRES)"
            )
        return cls(
            f"{place}: {why}. Free space or give access, if that is what is missing. If the file "
            "is damaged, stop the service, remove it and start again: everything in it follows "
            "from the log"
        )


class CheckpointMismatch(CountermandError):
    """The read models and the log don't belong together."""

    def __init__(self, partition: int, next_offset: int, why: str) -> None:
        super().__init__(
            f"the read models have come to {partition}:{next_offset}, but {why}. The log or "
            "the read models were replaced; nothing was changed. Put back what belongs together, "
            "or, if the log is the right one, run `countermand rebuild --replace`"
        )
        self.partition = partition
        self.next_offset = next_offset


class ShareTaken(CountermandError):
    """Other projectors feed these partitions."""

    def __init__(self, partitions: Collection[int]) -> None:
        numbers = ", ".join(map(str, sorted(partitions)))
        super().__init__(f"other projectors feed partitions {numbers} to the read models")
        self.partitions = partitions


class OtherProjector(CountermandError):
    """Somebody else has written these read models: two projectors can't both write."""

    def __init__(self, expected: Mapping[int, Checkpoint], found: Mapping[int, Checkpoint]) -> None:
        differing = [p for p in sorted({*expected, *found}) if expected.get(p) != found.get(p)]
        partition = differing[0]
        ours, there = expected.get(partition, BEGINNING), found.get(partition, BEGINNING)
        super().__init__(
            f"another process has written the read models: partition {partition} is at "
            f"{there.next_offset}, this one left it at {ours.next_offset}. Let one projector run, "
            "and restart this process"
        )
        self.partition = partition


class Superseded(CountermandError):
    """This generation is no longer written; its successor is in use."""

    def __init__(self, successor: int) -> None:
        super().__init__(f"generation {successor} of the read models has taken over")
        self.successor = successor


class RebuildRunning(CountermandError):
    """There is one already."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"a rebuild of the read models in {folder} is running; wait for its end")
        self.folder = folder
