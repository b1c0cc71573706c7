"""A point of the past is over by our clock, or by that of the log, which may be ahead of ours."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from events.event import encode
from events.log import Record
from events.positions import Position
from projections.moments import us
from services.operations.looking import no_future
from services.operations.scope import Scope
from services.refusals import Invalid
from tests.builders import a_task
from tests.read_side import written
from tests.recorded import judged

APPENDED = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


async def test_a_time_at_which_something_was_appended_has_come(tmp_path: Path) -> None:
    event = encode(a_task("t").events[0])
    models = written(tmp_path, judged([Record(Position(0, 0), event, us(APPENDED))]))

    def at(now: datetime, organization: str = "acme") -> Scope:
        parts = SimpleNamespace(now=lambda: now, view=models.of(organization))
        return cast(Scope, parts)

    behind = APPENDED - timedelta(seconds=5)
    await no_future(at(behind), APPENDED)
    await no_future(at(APPENDED + MOMENT), APPENDED + MOMENT)
    for scope, time in (
        (at(behind), APPENDED + MOMENT),
        (at(behind, "strangers"), APPENDED),
        (at(APPENDED), APPENDED + MOMENT),
    ):
        with pytest.raises(Invalid, match="still to come: it is 2026-11-22T12:00:0"):
            await no_future(scope, time)
    await models.close()
