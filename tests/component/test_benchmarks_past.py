"""That a past which is copied for the benchmarks is what a rebuild of its log makes."""

import asyncio
from itertools import chain
from pathlib import Path

from benchmarks.copied_projects import make_read_models
from benchmarks.finished import finished_in_projects
from benchmarks.past import running
from benchmarks.written_log import write_log
from projections import tables
from services.embedded_log import open_log_reader
from services.read_models.generations import FOLDER, Generations
from services.rebuild.rebuild import rebuild
from tests.component.test_rebuild import Watching

PROJECTS = 3


async def test_a_copied_past_is_what_a_rebuild_makes(tmp_path: Path) -> None:
    past = chain(finished_in_projects(PROJECTS * 1_000), running(10, first=0))
    write_log(tmp_path, (message.value for message in past))
    await asyncio.to_thread(make_read_models, tmp_path, PROJECTS)
    log = await open_log_reader(tmp_path / "history.sqlite", "history")
    generations = Generations(tmp_path / FOLDER)
    copied = cells_of(generations, 1)
    done = await rebuild(generations, log, Watching())
    await log.close()
    assert done.compared
    assert done.records == PROJECTS * 1_002 + 20
    assert copied == cells_of(generations, done.generation)


def cells_of(generations: Generations, number: int) -> dict[str, list[tuple[object, ...]]]:
    """Of every table but the one that has the generation's number: places and times, too."""
    with generations.database(number).engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
            for table in tables.metadata.sorted_tables
            if table is not tables.generation
        }
