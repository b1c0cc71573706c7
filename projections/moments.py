"""Times as rows keep them: whole microseconds since 1970."""

from datetime import UTC, datetime, timedelta

_START = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def us(moment: datetime) -> int:
    """Exact; several of them are in every row, and dividing by a `timedelta` takes twice as long.

    So does remembering them: times are compared by asking their zones.
    """
    since = moment - _START
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def us_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else us(moment)


def moment(us: int) -> datetime:
    """In UTC; the first or last one there is, for a time that UTC can't write."""
    try:
        return _START + timedelta(microseconds=us)
    except OverflowError:
        return _FIRST if us < 0 else _LAST


def moment_or_none(us: int | None) -> datetime | None:
    return None if us is None else moment(us)
