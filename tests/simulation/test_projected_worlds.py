"""The tables that the real ledger and projector make of worlds where everything went wrong."""

import asyncio
from pathlib import Path

import pytest

from events.words import Status
from services.read_models.generations import FOLDER, Generations
from services.read_models.models import ReadModels
from services.rebuild.rebuild import rebuild
from tests.proof_size import count
from tests.read_side import ListedLog, projected
from tests.simulation.services import FINISHED_KEPT
from tests.simulation.simulation import Simulated, simulate


class Nobody:
    """Watches a rebuild."""

    def begins(self, step: str, records: int) -> None:
        return

    def took(self, records: int) -> None:
        return


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_the_tables_of_a_world_show_it_as_it_is_and_rebuilt_ones_are_the_same(
    tmp_path: Path,
) -> None:
    for seed in range(count(small=2, full=25)):
        went = simulate(seed)
        assert went.broken is None
        asyncio.run(project(went, seed, tmp_path / str(seed)))


async def project(went: Simulated, seed: int, data: Path) -> None:
    half = ListedLog(went.history[: len(went.history) // 2], seed)
    await projected(data, half, finished_kept=FINISHED_KEPT)
    # A new process, whose ledger recalls from the tables what is alive.
    await projected(data, ListedLog(went.history, seed), finished_kept=FINISHED_KEPT)
    generations = Generations(data / FOLDER)
    await check(went, ReadModels(generations.in_use()))

    # It compares digests by itself, and refuses to take over when anything differs.
    rebuilt = await rebuild(generations, ListedLog(went.history), Nobody())

    assert rebuilt.generation == 2
    await check(went, ReadModels(generations.in_use()))


async def check(went: Simulated, models: ReadModels) -> None:
    await models.open()
    cancelled = 0
    for key, root in went.roots.items():
        view = models.of(key.partition("/")[0])
        for task in root.tasks.values():
            row = await view.task(task.id)
            assert row is not None
            assert (row.status, row.evidence) == (task.status, task.evidence)
            assert (row.attempt, row.failures) == (task.attempt, task.failures)
            cancelled += task.status is Status.CANCELLED
    assert cancelled
    await models.close()
