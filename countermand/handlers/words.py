"""The channel's language: one JSON object a line, in both directions.

From the executor: run, stop, answer, submitted, ping, close. From the host: ready, completed,
failed, stopped, progress, output, waiting, submit, pong. Everything about a run carries its id in
`run`.
"""

import contextlib
import json
import sys
import traceback
from collections.abc import Iterable
from typing import Any

from .payloads import PayloadRefused
from .stopping import PermanentFailure

ERROR_CHARACTERS = 10_000
_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))


class Unsayable(ValueError):
    """No JSON can be made of it, or too much."""


def line(op: str, **about: object) -> bytes:
    """A message. Raises `Unsayable`."""
    return _json({"op": op, **about}, "what was said") + b"\n"


def limited_line(limit_bytes: int, op: str, **about: object) -> bytes:
    """A message of an author's. Raises `Unsayable`."""
    text = line(op, **about)
    if len(text) > limit_bytes:
        raise Unsayable(f"{op}: {len(text)} bytes are more than {limit_bytes}: say it in parts")
    return text


def heard(text: bytes) -> dict[str, Any]:
    words: dict[str, Any] = json.loads(text)
    return words


def limited(value: object, limit_bytes: int, what: str) -> bytes:
    """Its JSON, to be put into a message. Raises `Unsayable`."""
    text = _json(value, what)
    if len(text) > limit_bytes:
        raise Unsayable(
            f"{what} is {len(text)} bytes as JSON, more than {limit_bytes}: store it elsewhere and "
            "give its address"
        )
    return text


def with_json(op: str, run: str, field: str, text: bytes) -> bytes:
    """A message about a run, with a field whose JSON is there already."""
    return b'{"op":"%s","run":%s,"%s":%s}\n' % (
        op.encode(),
        json.dumps(run).encode(),
        field.encode(),
        text,
    )


def completed(run: str, result: object, limit_bytes: int) -> bytes:
    """What is said when a handler returned: its result, or why that can't be one."""
    try:
        return with_json("completed", run, "result", limited(result, limit_bytes, "the result"))
    except Unsayable as error:
        return failed(run, str(error), "unsayable_result", permanent=True)


def failed(run: str, error: str, error_type: str, *, permanent: bool = False) -> bytes:
    # Whatever the author's text is made of, this must be sayable.
    text = error[:ERROR_CHARACTERS].encode(errors="replace").decode()
    return line("failed", run=run, error=text, type=error_type, permanent=permanent)


def failed_by(run: str, error: BaseException) -> bytes:
    permanent = isinstance(error, PermanentFailure)
    return failed(run, described(error), type(error).__name__, permanent=permanent)


def refused(run: str, refusal: PayloadRefused) -> bytes:
    return failed(run, str(refusal), "payload_refused", permanent=True)


def show(error: BaseException, secrets: Iterable[str] = ()) -> None:
    """Where it happened is for the author, on standard error; which the author may have closed."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        text = "".join(traceback.format_exception(error))
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, "***")
        sys.stderr.write(text)


def described(error: BaseException) -> str:
    """What an author wants to read: of a group the reasons, not the count."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(described(each) for each in error.exceptions)
    text = _text(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an author's `__str__` may do anything
        return "(its text can't be read)"


def _json(value: object, what: str) -> bytes:
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise Unsayable(f"{what} has a text that isn't Unicode (a lone surrogate)") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise Unsayable(f"{what} can't be JSON: {error}") from None
