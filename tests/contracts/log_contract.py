"""What every log must do: one suite, which each adapter subclasses with one fixture.

It assumes neither a single partition nor that the positions of one append are neighbours, and waits
for records, never for a time.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TypeAlias

import pytest

from events.errors import EventTooLarge, LogClosed
from events.event import LIMIT_BYTES
from events.log import Log, Message, Record
from events.positions import BEGINNING, Frontier, Position, after, covers
from tests.builders import a_task

PATIENCE_SECONDS = 60
OpenLog: TypeAlias = Callable[[], Awaitable[Log]]


class LogContract:
    """Subclass it as `Test...`, and give it `open_log`."""

    @pytest.fixture
    def open_log(self) -> OpenLog:
        """Opens the test's own stream, empty at first; again, when what was opened is closed."""
        raise NotImplementedError

    @pytest.fixture
    async def log(self, open_log: OpenLog) -> AsyncIterator[Log]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            log = await open_log()
        yield log
        async with asyncio.timeout(PATIENCE_SECONDS):
            await log.close()

    # ---------------------------------------------------------------------------------- append

    async def test_a_position_is_where_the_bytes_are_read(self, log: Log) -> None:
        messages = numbered("a", 5) + numbered("b", 5)

        positions = await log.append(messages)

        stored = {record.position: record.value for record in await everything(log)}
        assert [stored[position] for position in positions] == [one.value for one in messages]
        assert len(stored) == len(messages)

    async def test_bytes_are_kept_to_the_bit(self, log: Log) -> None:
        values = [bytes(range(256)), b"\x00", b'{"a": "\\u00e9"}', "é\r\n".encode(), b"x" * 100_000]

        positions = await log.append([Message("a", value) for value in values])

        stored = {record.position: record.value for record in await everything(log)}
        assert [stored[position] for position in positions] == values

    async def test_the_largest_message_is_stored(self, log: Log) -> None:
        [position] = await log.append([Message("a", b"x" * LIMIT_BYTES)])

        [record] = await everything(log)
        assert record.position == position
        assert record.value == b"x" * LIMIT_BYTES

    async def test_of_an_append_with_an_oversized_message_nothing_is_stored(self, log: Log) -> None:
        messages = [Message("a", b"fits"), Message("a", b"x" * (LIMIT_BYTES + 1))]

        with pytest.raises(EventTooLarge) as raised:
            await log.append(messages)

        assert (raised.value.size_bytes, raised.value.limit_bytes) == (LIMIT_BYTES + 1, LIMIT_BYTES)
        assert await everything(log) == []

    async def test_an_empty_append_stores_nothing(self, log: Log) -> None:
        assert list(await log.append([])) == []
        assert await everything(log) == []

    async def test_headers_change_nothing(self, log: Log) -> None:
        [position] = await log.append([Message("a", b"value", a_task().events[0])])

        [record] = await everything(log)
        assert (record.position, record.value) == (position, b"value")

    async def test_append_times_are_the_time_of_the_append(self, log: Log) -> None:
        tolerance_us = 1_000_000  # clocks with milliseconds, and a broker's own clock
        before_us = time.time_ns() // 1000
        await log.append(numbered("a", 3) + numbered("b", 3))
        after_us = time.time_ns() // 1000

        times = [record.appended_at_us for record in await everything(log)]
        assert len(times) == 6
        assert min(times) >= before_us - tolerance_us
        assert max(times) <= after_us + tolerance_us

    async def test_messages_of_one_key_keep_the_order_of_their_append(self, log: Log) -> None:
        await log.append(interleaved(dict.fromkeys(KEYS, 200)))

        assert by_key(await everything(log)) == {key: list(range(200)) for key in KEYS}

    async def test_one_key_has_one_partition(self, log: Log) -> None:
        first = await log.append(numbered("a", 20))
        second = await log.append(numbered("a", 20))

        assert len({position.partition for position in [*first, *second]}) == 1

    async def test_each_keys_order_is_the_order_of_its_own_appends_among_many_callers(
        self, log: Log
    ) -> None:
        async def caller(key: str) -> list[Position]:
            positions: list[Position] = []
            for number in range(10):
                positions += await log.append([numbered_message(key, number)])
            return positions

        keys = [f"root-{number}" for number in range(300)]
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            callers = [group.create_task(caller(key)) for key in keys]

        stored = await everything(log)
        at = {record.position: record.value for record in stored}
        for key, task in zip(keys, callers, strict=True):
            own = task.result()
            assert [at[p] for p in own] == [numbered_message(key, n).value for n in range(10)]
            assert own == sorted(own)
        assert len(stored) == len(at) == 3000
        assert by_key(stored) == {key: list(range(10)) for key in keys}

    async def test_appends_of_one_key_are_in_the_order_in_which_they_began(self, log: Log) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answers = await asyncio.gather(
                *(log.append([numbered_message("a", number)]) for number in range(200))
            )

        positions = [position for answer in answers for position in answer]
        assert positions == sorted(positions)
        assert by_key(await everything(log)) == {"a": list(range(200))}

    async def test_appends_that_begin_together_never_share_a_position(self, log: Log) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answers = await asyncio.gather(
                *(log.append(numbered(f"root-{number}", 7)) for number in range(100))
            )

        positions = [position for answer in answers for position in answer]
        assert len(positions) == len(set(positions)) == 700
        assert set(positions) == {record.position for record in await everything(log)}

    async def test_a_big_append_is_stored_whole_and_in_order(self, log: Log) -> None:
        messages = interleaved(dict.fromkeys(KEYS, 1000))

        async with asyncio.timeout(PATIENCE_SECONDS):
            positions = await log.append(messages)

        stored = {record.position: record.value for record in await everything(log)}
        assert [stored[position] for position in positions] == [one.value for one in messages]
        assert len(stored) == len(messages)

    async def test_a_caller_who_is_cancelled_harms_nobody_else(self, log: Log) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            given_up = [group.create_task(log.append(numbered(f"c{n}", 3))) for n in range(20)]
            others = [group.create_task(log.append(numbered(f"k{n}", 3))) for n in range(20)]
            await asyncio.sleep(0)  # all have begun
            for task in given_up:
                task.cancel()
        positions = await log.append(numbered("last", 1))

        stored = await everything(log)
        at = {record.position: record.value for record in stored}
        for number, task in enumerate(others):
            values = [message.value for message in numbered(f"k{number}", 3)]
            assert [at[position] for position in task.result()] == values
        assert at[positions[0]] == numbered("last", 1)[0].value
        kept = by_key(stored)
        for number in range(20):  # unknown is all or a part, never out of order
            own = kept.get(f"c{number}", [])
            assert own == list(range(len(own)))

    # ------------------------------------------------------------------------------------ read

    async def test_an_empty_log_reads_as_empty(self, log: Log) -> None:
        assert list(await log.read(BEGINNING, 10)) == []

    async def test_a_read_is_bounded_and_a_later_one_goes_on_there(self, log: Log) -> None:
        await log.append(interleaved(dict.fromkeys(KEYS, 25)))
        whole = await everything(log)

        for limit in (1, 3, 7, 1000):
            taken: list[Record] = []
            frontier: Frontier = BEGINNING
            while batch := await log.read(frontier, limit):
                assert len(batch) <= limit
                taken += batch
                frontier = after(frontier, [record.position for record in batch])
            assert in_partitions(taken) == in_partitions(whole)
            assert len(taken) == len(whole)

    async def test_any_frontier_divides_the_log_into_what_it_covers_and_the_rest(
        self, log: Log
    ) -> None:
        await log.append(interleaved(dict.fromkeys(KEYS, 25)))
        whole = await everything(log)
        end = await log.end()
        dice = random.Random(17)

        for _ in range(20):
            frontier = {
                p: dice.randint(0, offset) for p, offset in end.items() if dice.random() < 0.8
            }
            rest = await everything(log, frontier)
            expected = [one for one in whole if not covers(frontier, one.position)]
            assert in_partitions(rest) == in_partitions(expected)

    async def test_reading_from_the_end_or_beyond_it_gives_nothing(self, log: Log) -> None:
        await log.append(numbered("a", 5))
        end = await log.end()

        assert list(await log.read(end, 10)) == []

    async def test_readers_only_ever_see_what_is_stored(self, log: Log) -> None:
        async def write() -> None:
            for number in range(40):
                await log.append([numbered_message(key, number) for key in KEYS])

        snapshots: list[list[Record]] = []
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            writing = group.create_task(write())
            while not writing.done():
                end = await log.end()
                snapshots.append(await everything(log))
                seen = {record.position for record in snapshots[-1]}
                await asyncio.sleep(0)  # the writer's turn
                ended = {position for position in seen if covers(end, position)}
                assert len(ended) == sum(end.values())

        final = in_partitions(await everything(log))
        for snapshot in snapshots:
            for partition, records in in_partitions(snapshot).items():
                assert records == final[partition][: len(records)]

    # ------------------------------------------------------------------------------------- end

    async def test_the_end_names_every_partition_from_the_start(self, log: Log) -> None:
        before = await log.end()
        positions = await log.append(interleaved(dict.fromkeys(KEYS, 5)))
        behind = await log.end()

        assert before.keys() == behind.keys()
        assert {position.partition for position in positions} <= before.keys()
        assert set(before.values()) == {0}

    async def test_the_end_covers_what_an_append_has_returned(self, log: Log) -> None:
        for number in range(20):
            positions = await log.append([numbered_message(key, number) for key in KEYS])
            end = await log.end()
            assert all(covers(end, position) for position in positions)

    # ---------------------------------------------------------------------------------- follow

    async def test_a_follower_gets_everything_from_any_frontier_in_order(self, log: Log) -> None:
        await log.append(interleaved(dict.fromkeys(KEYS, 25)))
        whole = await everything(log)
        end = await log.end()

        for share in (0.0, 0.3, 0.9):
            frontier = {partition: int(offset * share) for partition, offset in end.items()}
            expected = [one for one in whole if not covers(frontier, one.position)]
            async with aclosing(log.follow(frontier, 4)) as following:
                followed = await take(following, len(expected), batch_limit=4)
            assert in_partitions(followed) == in_partitions(expected)

    async def test_a_follower_at_the_end_is_woken_by_each_append(self, log: Log) -> None:
        async with aclosing(log.follow(BEGINNING)) as following:
            for number in range(50):
                waiting = asyncio.ensure_future(take(following, 1))
                await asyncio.sleep(0)  # it has begun to wait
                [position] = await log.append([numbered_message("a", number)])
                [record] = await waiting
                assert record.position == position
                assert record.value == numbered_message("a", number).value

    async def test_all_followers_get_everything_that_is_appended_meanwhile(self, log: Log) -> None:
        async def follow() -> list[Record]:
            async with aclosing(log.follow(BEGINNING)) as following:
                return await take(following, 40 * len(KEYS))

        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            followers = [group.create_task(follow()) for _ in range(5)]
            for number in range(40):
                await log.append([numbered_message(key, number) for key in KEYS])

        whole = in_partitions(await everything(log))
        for follower in followers:
            assert in_partitions(follower.result()) == whole

    async def test_a_follower_that_is_cancelled_leaves_the_log_usable(self, log: Log) -> None:
        async with aclosing(log.follow(BEGINNING)) as following:
            waiting = asyncio.ensure_future(anext(following))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

        positions = await log.append(numbered("a", 1))
        assert [record.position for record in await everything(log)] == list(positions)

    # ----------------------------------------------------------------------------------- close

    async def test_what_was_appended_is_there_after_reopening(self, open_log: OpenLog) -> None:
        written: list[Position] = []
        kept: list[Record] = []
        for number in range(3):
            log = await open_log()
            assert in_partitions(await everything(log)) == in_partitions(kept)
            written += await log.append([numbered_message(key, number) for key in KEYS])
            kept = await everything(log)
            await log.close()

        assert {record.position for record in kept} == set(written)
        assert by_key(kept) == {key: [0, 1, 2] for key in KEYS}

    async def test_closing_lets_appends_end_that_have_begun(self, open_log: OpenLog) -> None:
        log = await open_log()
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            appends = [group.create_task(log.append(numbered(f"k{n}", 3))) for n in range(50)]
            await asyncio.sleep(0)  # all have begun
            await log.close()

        positions = {position for append in appends for position in append.result()}
        again = await open_log()
        assert {record.position for record in await everything(again)} == positions
        await again.close()

    async def test_a_log_can_be_closed_twice(self, open_log: OpenLog) -> None:
        log = await open_log()
        await asyncio.gather(log.close(), log.close())
        await log.close()

    async def test_a_closed_log_says_so(self, open_log: OpenLog) -> None:
        log = await open_log()
        await log.append(numbered("a", 1))
        await log.close()

        with pytest.raises(LogClosed):
            await log.append(numbered("a", 1))
        with pytest.raises(LogClosed):
            await log.read(BEGINNING, 10)
        with pytest.raises(LogClosed):
            await log.end()

        again = await open_log()
        assert len(await everything(again)) == 1
        await again.close()

    async def test_whoever_follows_a_log_that_is_closed_is_told(self, open_log: OpenLog) -> None:
        log = await open_log()
        async with aclosing(log.follow(BEGINNING)) as following:
            waiting = asyncio.ensure_future(take(following, 1))
            await asyncio.sleep(0)
            await log.close()
            with pytest.raises(LogClosed):
                await waiting


KEYS = [f"acme/root-{number}" for number in range(8)]


def numbered_message(key: str, number: int) -> Message:
    """A message that tells its key and its number."""
    return Message(key, f"{key}#{number}".encode())


def numbered(key: str, count: int) -> list[Message]:
    return [numbered_message(key, number) for number in range(count)]


def interleaved(counts: Mapping[str, int]) -> list[Message]:
    return [
        numbered_message(key, number)
        for number in range(max(counts.values()))
        for key in counts
        if number < counts[key]
    ]


async def everything(log: Log, start: Frontier = BEGINNING) -> list[Record]:
    """All there is from a frontier on."""
    records: list[Record] = []
    frontier = start
    async with asyncio.timeout(PATIENCE_SECONDS):
        while batch := await log.read(frontier, 500):
            records += batch
            frontier = after(frontier, [record.position for record in batch])
    return records


async def take(
    following: AsyncGenerator[Sequence[Record], None], count: int, batch_limit: int = 1000
) -> list[Record]:
    """The next records of a follower, which must be so many."""
    records: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(records) < count:
            batch = await anext(following)
            assert 0 < len(batch) <= batch_limit
            records += batch
    assert len(records) == count
    return records


def in_partitions(records: Sequence[Record]) -> dict[int, list[Record]]:
    """The records by partition, which must be in order there, each once."""
    partitions: defaultdict[int, list[Record]] = defaultdict(list)
    for record in records:
        own = partitions[record.position.partition]
        assert not own or own[-1].position < record.position
        own.append(record)
    return dict(partitions)


def by_key(records: Sequence[Record]) -> dict[str, list[int]]:
    """The numbers of each key, in the order they are in."""
    in_partitions(records)
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for record in records:
        key, _, number = record.value.decode().partition("#")
        numbers[key].append(int(number))
    return dict(numbers)
