"""What holds for the pulse's rows whatever is said on the log, and however often it is read."""

import json
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from projections.pulse.histogram import (
    LONGEST_US,
    bucket_of,
    empty,
    longest_us,
    merged,
    quantile_us,
    with_times,
)
from projections.pulse.picture import picture
from projections.pulse.tables import Tables, enter
from tests.recorded import START_US, judged, records

times = st.integers(0, LONGEST_US)


@given(times)
def test_a_time_is_in_a_bucket_of_times_at_most_an_eighth_longer(us: int) -> None:
    longest = longest_us(bucket_of(us))

    assert us <= longest <= us + us // 8
    assert bucket_of(longest) == bucket_of(us)
    assert bucket_of(longest + 1) == bucket_of(us) + 1 or longest >= LONGEST_US


@given(st.lists(times, min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_never_too_short_and_hardly_too_long(many: list[int], share: float) -> None:
    exact = sorted(many)[max(-(-int(share * 100) * len(many) // 100) - 1, 0)]
    read = quantile_us(with_times(empty(), many), share)

    assert read is not None
    assert exact <= read <= exact + exact // 8


@given(st.lists(times, max_size=50), st.integers(0, 50))
def test_histograms_of_parts_make_up_that_of_the_whole(many: list[int], cut: int) -> None:
    parts = [with_times(empty(), many[:cut]), with_times(empty(), many[cut:])]

    assert merged(parts) == with_times(empty(), many)


def told(seed: int) -> Tables:
    tables = Tables()
    for entry in judged(records(seed, 250, partitions=2)):
        enter(tables, entry)
    return tables


def written(tables: Tables) -> str:
    rows = [tables.stopping, tables.slots, tables.deadlines, tables.executors]
    return json.dumps(rows, sort_keys=True)


def test_entries_that_come_again_change_nothing_in_the_end() -> None:
    """As after a crash: some entries at the end of what was stored are read once more."""
    random = Random(7)
    for seed in range(2):
        entries = list(judged(records(seed, 250, partitions=2)))
        plain = told(seed)
        tables = Tables()
        at = 0
        while at < len(entries):
            upto = min(at + random.randint(1, 60), len(entries))
            for entry in entries[at:upto]:
                enter(tables, entry)
            at = upto if upto == len(entries) else max(at + 1, upto - random.randint(0, 30))

        assert written(tables) == written(plain)


def test_rows_are_plain_json() -> None:
    tables = told(3)

    again = json.loads(written(tables))

    assert again == [tables.stopping, tables.slots, tables.deadlines, tables.executors]
    assert tables.slots


def test_tables_of_two_partitions_show_what_one_table_shows() -> None:
    entries = list(judged(records(11, 600, partitions=2)))
    whole, halves = Tables(), (Tables(), Tables())
    for entry in entries:
        enter(whole, entry)
        enter(halves[entry.record.position.partition], entry)
    now_us = max(entry.record.appended_at_us for entry in entries)

    def shown(*of: Tables) -> object:
        return picture(
            now_us,
            stopping=[row for each in of for row in each.stopping.values()],
            slots=[row for each in of for row in each.slots.values()],
            executors=[],
            deadlines=[row for each in of for row in each.deadlines.values()],
            margin_us=0,
        )

    assert json.dumps(shown(*halves)) == json.dumps(shown(whole))
    assert now_us > START_US
