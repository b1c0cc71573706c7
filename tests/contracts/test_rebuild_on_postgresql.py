"""A rebuild of read models on PostgreSQL, beside projectors that it must not hold up."""

import pytest
from sqlalchemy import URL

from projections.batch import folded
from services.read_models.errors import ReadModelsUnavailable
from services.read_models.schemas import Schemas
from services.read_models.writing import Writer
from services.rebuild.rebuild import rebuild
from tests.read_side import ListedLog
from tests.recorded import judged, records

pytestmark = pytest.mark.postgres

PATIENCE_MS = 20_000
SHOWN, SAID = 60, 80


class Frozen:
    """Watches rebuilds. When the first one takes over, this process waits for a projector."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self.stand = 0

    def begins(self, step: str, records: int) -> None:
        if step == "taking over" and not self.stand:
            self.stand = projected(self._schemas, SHOWN, SAID)

    def took(self, records: int) -> None: ...


def projected(schemas: Schemas, start: int, end: int) -> int:
    """What a projector writes into the generation in use, and how far it has come then."""
    writer = Writer(schemas.database(schemas.live()))
    writer.session.query("SELECT set_config('lock_timeout', %s, false)", (str(PATIENCE_MS),))
    before = writer.checkpoints()
    writer.write(folded(before, judged(records(63, SAID))[start:end]), before)
    stand = writer.checkpoints()[0].next_offset
    writer.close()
    return stand


async def test_one_that_stands_still_while_it_takes_over_holds_up_nobody(
    postgres_database: URL,
) -> None:
    schemas = Schemas(postgres_database, silence_limit_seconds=0.1)
    assert projected(schemas, 0, SHOWN) == SHOWN
    frozen = Frozen(schemas)

    # Nothing of this process goes on while the projector waits: as if it were stopped.
    with pytest.raises(ReadModelsUnavailable, match="idle-in-transaction"):
        await rebuild(schemas, ListedLog(records(63, SHOWN)), frozen)

    assert frozen.stand == SAID
    assert (schemas.live(), schemas.numbers()) == (1, [1])
    done = await rebuild(schemas, ListedLog(records(63, SAID)), frozen)
    assert (done.generation, schemas.live()) == (2, 2)
