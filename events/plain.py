"""What JSON can't carry there and back unchanged is refused where an event is made."""

from datetime import datetime
from math import isfinite

from pydantic import JsonValue

DEPTH_LIMIT = 100
"""Of lists and objects in each other. Readers take 200, whatever an event has around them."""
INTEGER_BITS_LIMIT = 1024
"""As far as floats reach. Readers refuse integers of more than 4300 digits."""


def check_plain(value: JsonValue) -> JsonValue:
    """The value itself, or ValueError: NaN, infinities, lone surrogates, too deep, too large."""
    level: list[JsonValue] = [value]
    for _ in range(DEPTH_LIMIT + 1):
        below: list[JsonValue] = []
        for each in level:
            if isinstance(each, str):
                check_text(each)
            elif isinstance(each, dict):
                for key in each:
                    check_text(key)
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
            elif isinstance(each, float):
                if not isfinite(each):
                    raise ValueError(f"{each} can't be written as JSON")
            elif isinstance(each, int) and each.bit_length() > INTEGER_BITS_LIMIT:
                raise ValueError(f"an integer of more than {INTEGER_BITS_LIMIT} bits")
        if not below:
            return value
        level = below
    raise ValueError(f"more than {DEPTH_LIMIT} levels of lists and objects")


def check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("a lone surrogate is no text") from None


def check_offset(moment: datetime) -> datetime:
    """The time itself, or ValueError: an offset of odd seconds can't be written."""
    offset = moment.utcoffset()
    if offset is not None and (offset.seconds % 60 or offset.microseconds):
        raise ValueError("its offset from UTC isn't of whole minutes: give it in UTC")
    return moment
