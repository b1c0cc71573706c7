"""Times as the five systems write them."""

from datetime import UTC, datetime


def milliseconds(moment: datetime) -> str:
    """As JavaScript does: `2026-01-26T16:00:00.000Z`."""
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )


def microseconds(moment: datetime) -> str:
    """`2026-05-13T10:12:04.123456Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def nanoseconds(moment: datetime) -> str:
    """As Go's RFC3339Nano does: the fraction without its trailing zeros."""
    seconds, _, fraction = microseconds(moment)[:-1].partition(".")
    fraction = fraction.rstrip("0")
    return f"{seconds}.{fraction}Z" if fraction else f"{seconds}Z"
