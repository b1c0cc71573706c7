"""What JSON can't carry there and back unchanged is refused where an event is made."""

from datetime import datetime
from math import isfinite

from pydantic import JsonValue

DEPTH_LIMIT = 100
"""Of lists and objects in each other. Readers take 200, whatever an event has around them."""
INTEGER_BITS_LIMIT = 1024
"""As far as floats reach. Readers refuse integers of more than 4300 digits."""


def check_plain(value: JsonValue) -> JsonValue:
    """The value itself, or ValueError: NaN, infinities, lone surrogates, too deep, too large.

    Every payload comes through here, mostly small ones of plain text.
    """
    found: list[JsonValue] = [value]
    containers = 0
    for each in found:
        if isinstance(each, str):
            if not each.isascii():
                check_text(each)
        elif isinstance(each, int):
            if each.bit_length() > INTEGER_BITS_LIMIT:
                raise ValueError(f"an integer of more than {INTEGER_BITS_LIMIT} bits")
        elif isinstance(each, dict):
            containers += 1
            for key in each:
                if not key.isascii():
                    check_text(key)
            found += each.values()
        elif isinstance(each, list):
            containers += 1
            found += each
        elif isinstance(each, float) and not isfinite(each):
            raise ValueError(f"{each} can't be written as JSON")
    if containers > DEPTH_LIMIT:  # So many of them may be in each other.
        check_depth(value)
    return value


def check_depth(value: JsonValue) -> None:
    level: list[JsonValue] = [value]
    for _ in range(DEPTH_LIMIT + 1):
        below: list[JsonValue] = []
        for each in level:
            if isinstance(each, dict):
                below += each.values()
            elif isinstance(each, list):
                below += each
        if not below:
            return
        level = below
    raise ValueError(f"more than {DEPTH_LIMIT} levels of lists and objects")


def check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a lone surrogate is no text") from None


def check_offset(moment: datetime) -> datetime:
    """The time itself, or ValueError: an offset of odd seconds can't be written."""
    offset = moment.utcoffset()
    if offset and (offset.seconds % 60 or offset.microseconds):
        raise ValueError("its offset from UTC isn't of whole minutes: give it in UTC")
    return moment
