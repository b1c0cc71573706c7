"""What happens to nodes and to the log while users are busy."""

from collections.abc import Callable

from tests.simulation.streams import Stream
from tests.simulation.world import LEASE_SECONDS, World


class Mishaps:
    """One after another, until the calm."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.random

    def begin(self) -> None:
        seconds = self._random.expovariate(1 / self._world.faults.seconds_between_mishaps)
        self._world.schedule.after(seconds, self._next)

    def _next(self) -> None:
        if self._world.faults.calm:
            return
        possible: list[Callable[[], None]] = [
            self._kill_executor,
            self._kill_executor,
            self._stop_executor,
            self._stop_executor,
            self._end_executor,
            self._drain_executor,
            self._kill_watchdog,
            self._stop_watchdog,
            self._kill_a_host,
            self._end_a_guardian,
            self._take_the_log_away,
            self._deafen_somebody,
            self._deafen_somebody,
            self._slow_everything_down,
            self._slow_everything_down,
        ]
        self._random.choice(possible)()
        self.begin()

    def _kill_executor(self) -> None:
        self._world.kill(self._random.choice(self._world.executors))

    def _stop_executor(self) -> None:
        longest = self._random.choice((1.0, LEASE_SECONDS * 2.5))
        seconds = self._random.uniform(0.1, longest)
        self._world.stop(self._random.choice(self._world.executors), seconds)

    def _end_executor(self) -> None:
        self._world.ask_to_end(self._random.choice(self._world.executors))

    def _drain_executor(self) -> None:
        home = self._random.choice(self._world.executors)
        self._world.drain(home, self._random.uniform(0.1, 10.0))

    def _kill_watchdog(self) -> None:
        self._world.kill(self._random.choice(self._world.watchdogs))

    def _stop_watchdog(self) -> None:
        seconds = self._random.uniform(0.1, LEASE_SECONDS * 2.5)
        self._world.stop(self._random.choice(self._world.watchdogs), seconds)

    def _kill_a_host(self) -> None:
        for run in list(self._world.promises.alive.values()):
            if self._random.random() < 0.5:
                run.swept_away()

    def _end_a_guardian(self) -> None:
        home = self._random.choice(self._world.executors)
        if home.machine.latest is not None:
            self._world.promises.note(f"the guardian of {home.name} ends")
            home.machine.latest.kill()

    def _take_the_log_away(self) -> None:
        shared = self._world.shared
        streams: list[Stream] = self._random.choice(
            ([shared.history], [shared.heartbeats], [shared.history, shared.heartbeats])
        )
        seconds = self._random.uniform(0.5, self._random.choice((4.0, LEASE_SECONDS * 1.5)))
        for stream in streams:
            self._world.promises.note(f"{stream.name} is away for {seconds:.1f} s")
            stream.away = True
            self._world.schedule.after(seconds, stream.is_back)

    def _deafen_somebody(self) -> None:
        shared = self._world.shared
        stream = self._random.choice((shared.history, shared.heartbeats, shared.heartbeats))
        seconds = self._random.uniform(0.5, LEASE_SECONDS * 2.5)
        name = stream.deafen(seconds)
        self._world.promises.note(f"{name} hears nothing of {stream.name} for {seconds:.1f} s")

    def _slow_everything_down(self) -> None:
        """And in the midst of it an executor is stopped, too."""
        seconds = self._random.uniform(3.0, LEASE_SECONDS)
        self._world.promises.note(f"everything is slow for {seconds:.1f} s")
        self._world.faults.all_slow = True
        self._world.schedule.after(seconds, self._fast_again)
        home = self._random.choice(self._world.executors)
        after = self._random.uniform(1.0, seconds)
        self._world.schedule.after(after, self._world.stop, home, LEASE_SECONDS * 2.5)

    def _fast_again(self) -> None:
        self._world.faults.all_slow = False
