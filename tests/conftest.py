"""What holds for every test, whatever its kind."""

from hypothesis import HealthCheck, settings

# A slow machine is no failure; what fails prints how to repeat it.
settings.register_profile(
    "countermand", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("countermand")

pytest_plugins = ["tests.brokers", "tests.no_skips", "tests.tallies"]
