"""How often a proof repeats: small in `make test`, full in `make prove`, any count in `make soak`.

A proof asks for its count and is marked, so that `make prove` finds it:

    @pytest.mark.prove
    @settings(max_examples=count(small=200, full=20_000))
"""

import os

VARIABLE = "COUNTERMAND_PROOF_SIZE"
SMALL = "small"


def is_small() -> bool:
    return os.environ.get(VARIABLE, SMALL) == SMALL


def count(*, small: int, full: int) -> int:
    """The count to use: `small` or `full`, or whatever number the environment asks for."""
    if is_small():
        return small
    size = os.environ[VARIABLE]
    if size == "full":
        return full
    if size.isascii() and size.isdigit() and int(size) > 0:
        return int(size)
    raise ValueError(f"{VARIABLE} is {size!r}: say small, full, or a number above zero")
