"""What others wrote, on the terminal of whoever looks at it."""

import pytest

from countermand.cli import shown
from countermand.client import Receipt


def a_receipt(why: str) -> Receipt:
    return {
        "event_id": "01a2005c-a533-7de4-bbfe-5486fe46411a",
        "subject": "my-task",
        "position": "0:2",
        "verdict": "effective",
        "reason": None,
        "late_seconds": None,
        "who": {
            "kind": "user",
            "id": "ada",
            "organization": "acme",
            "authenticated_by": "api_key",
            "on_behalf_of": None,
        },
        "why": why,
        "mode": "graceful",
        "grace_seconds": 10.0,
        "origin": "request",
        "requested_at": "2026-01-01T00:00:00Z",
        "observed_at": None,
        "stopped_at": None,
        "status": "cancelling",
        "evidence": None,
        "contradicted": False,
        "held_until": None,
        "home": None,
    }


@pytest.mark.parametrize("why", ["see [/tmp/x]", "[bold]now[/bold]", ":boom: at 10:00:"])
def test_a_reason_is_no_markup(capsys: pytest.CaptureFixture[str], why: str) -> None:
    shown.new_console().print(shown.receipt(a_receipt(why)))

    assert f"user ada: {why}\n" in without_padding(capsys.readouterr().out)


def test_a_reason_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown.new_console().print(shown.receipt(a_receipt("\x1b[2J\x1b]0;owned\x07 \x9b1m\x00\r!")))

    out = capsys.readouterr().out
    assert "␛[2J␛]0;owned" in out
    assert all(each.isprintable() for each in out.splitlines())


def without_padding(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
