"""What goes wrong, and how often: chosen by the seed, and none of it once the calm has come."""

import random
from dataclasses import dataclass
from enum import Enum


class Fate(Enum):
    """What becomes of an append."""

    STORED = "stored"
    LOST = "lost"
    """Not stored, and nobody says so."""
    ANSWER_LOST = "answer_lost"
    """Stored, and nobody says so."""
    STORED_IN_PART = "stored_in_part"
    STORED_LATE = "stored_late"
    """Stored after its sender was told that it is unknown."""


@dataclass
class Faults:
    """How bad this world is."""

    random: random.Random
    appends: float
    """The share of appends that don't get their answer."""
    slowness: float
    """The share of deliveries and answers that take seconds."""
    repeats: float
    """The share of deliveries that bring again what was delivered before."""
    host_deaths: float
    """The share of runs whose host dies."""
    seconds_between_mishaps: float
    """How often something happens to a node or to the log."""
    calm: bool = False
    all_slow: bool = False
    """Everything takes its time now."""

    @classmethod
    def of(cls, seed: str) -> "Faults":
        source = random.Random(f"{seed}/faults")
        nasty = source.choice((0.0, 0.3, 1.0, 1.0, 2.0))
        return cls(
            random=source,
            appends=nasty * 0.06,
            slowness=nasty * source.choice((0.02, 0.08)),
            repeats=nasty * 0.1,
            host_deaths=nasty * 0.05,
            seconds_between_mishaps=source.choice((3.0, 6.0, 12.0)) if nasty else 1e9,
        )

    def chance(self, share: float) -> bool:
        return not self.calm and self.random.random() < share

    def latency_seconds(self, longest: float = 4.0) -> float:
        """Of one message or delivery."""
        if self.chance(1.0 if self.all_slow else self.slowness):
            return self.random.uniform(0.2, longest)
        return self.random.uniform(0.0005, 0.02)

    def fate(self) -> Fate:
        if not self.chance(self.appends):
            return Fate.STORED
        return self.random.choice(
            (Fate.LOST, Fate.ANSWER_LOST, Fate.ANSWER_LOST, Fate.STORED_IN_PART, Fate.STORED_LATE)
        )
