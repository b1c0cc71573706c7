"""However a log is cut into batches, restarts and generations: the same read models."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.read_models.generations import Generations
from services.read_side import FOLDER
from services.rebuild.rebuild import rebuild
from tests.proof_size import count
from tests.read_side import ListedLog, digests_of, projected, written
from tests.recorded import judged, records

seeds = st.integers(0, 2**32)
lengths = st.integers(0, 300)
partitions = st.integers(1, 3)
kept = st.sampled_from((0, 3, 20_000))
"""How much of what has finished is remembered; what isn't, is recalled."""


class Nobody:
    """Watches a rebuild."""

    def begins(self, step: str, records: int) -> None:
        return

    def took(self, records: int) -> None:
        return


@pytest.mark.prove
@settings(max_examples=count(small=20, full=500))
@given(seeds, lengths, partitions, st.lists(st.integers(0, 300), max_size=8))
def test_batches_may_be_cut_anywhere(
    seed: int, length: int, partitions: int, cuts: list[int]
) -> None:
    entries = judged(records(seed, length, partitions))
    with TemporaryDirectory() as once, TemporaryDirectory() as cut:
        written(Path(once), entries)
        written(Path(cut), entries, [each for each in cuts if each <= length])
        assert digests_of(Path(once)) == digests_of(Path(cut))


@pytest.mark.prove
@settings(max_examples=count(small=15, full=300))
@given(seeds, lengths, partitions, st.lists(st.integers(0, 300), max_size=4), kept)
def test_resumed_from_any_checkpoint_equals_one_pass(
    seed: int, length: int, partitions: int, stops: list[int], finished_kept: int
) -> None:
    """Each time a new process, whose ledger recalls what it needs from the read models."""
    told = records(seed, length, partitions)
    with TemporaryDirectory() as once, TemporaryDirectory() as resumed:
        for stop in [*sorted(stops), length]:
            log = ListedLog(told[:stop], stop)
            asyncio.run(projected(Path(resumed), log, finished_kept=finished_kept))
        written(Path(once), judged(told))
        assert digests_of(Path(once)) == digests_of(Path(resumed))


@pytest.mark.prove
@settings(max_examples=count(small=15, full=300))
@given(seeds, lengths, partitions, kept)
def test_a_rebuilt_generation_equals_the_one_in_use(
    seed: int, length: int, partitions: int, finished_kept: int
) -> None:
    told = records(seed, length, partitions)
    with TemporaryDirectory() as folder:
        data = Path(folder)

        async def live_and_rebuild() -> int:
            await projected(data, ListedLog(told, seed), finished_kept=finished_kept)
            generations = Generations(data / FOLDER)
            return (await rebuild(generations, ListedLog(told), Nobody())).generation

        # A rebuild compares by itself, and refuses to take over when anything differs.
        assert asyncio.run(live_and_rebuild()) == 2
        assert digests_of(data)
