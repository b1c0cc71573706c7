"""What holds for every test, whatever its kind."""

import gc

from hypothesis import HealthCheck, settings

# A slow machine is no failure; what fails prints how to repeat it.
settings.register_profile(
    "countermand", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("countermand")

pytest_plugins = ["tests.brokers", "tests.long_tests", "tests.no_skips", "tests.tallies"]


def pytest_collection_finish() -> None:
    """What was loaded and collected stays to the end: looking through it for garbage again and
    again would take a good part of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
