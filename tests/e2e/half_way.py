"""Kills that count only when they came half-way: after the work had begun, before it was over."""

from collections.abc import Callable

TRIES_FOR_EACH = 4


def half_way(times: int, kill: Callable[[int], bool]) -> str:
    """Kill until so many came half-way, which is what `kill` says of each; it is given its number.

    What came too early or too late is checked by `kill` all the same. In words, for the tally.
    """
    kills = found = 0
    while found < times:
        assert kills < TRIES_FOR_EACH * times + 4, f"of {kills} kills only {found} came half-way"
        found += kill(kills)
        kills += 1
    return f"{found} kills half-way, {kills - found} before or after"
