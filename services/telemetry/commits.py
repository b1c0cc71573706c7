"""How long the log's commits took, and how many events they stored, for each stream."""

from services.telemetry.durations import COMMIT_SECONDS, Durations


class Commits:
    """Of one stream. Called by whoever commits: one at a time."""

    def __init__(self) -> None:
        self.seconds = Durations(COMMIT_SECONDS)
        self.events = 0

    def committed(self, seconds: float, events: int) -> None:
        self.seconds.observe(seconds)
        self.events += events
