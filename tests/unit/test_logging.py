"""Who logs on a full disk goes on."""

import errno
import io
import sys

import pytest

from services.logging import Stderr


class Full(io.TextIOBase):
    """A file on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_what_cannot_be_written_is_not_said_and_hurts_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    with pytest.raises(OSError, match="No space left"):
        print("a line", file=sys.stderr, flush=True)
    print("a line", file=Stderr(), flush=True)


def test_what_can_be_written_is(capsys: pytest.CaptureFixture[str]) -> None:
    print("a line", file=Stderr(), flush=True)
    assert capsys.readouterr().err == "a line\n"
