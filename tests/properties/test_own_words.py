"""A process that hears its own words hears what anybody else reads from their bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.event import Event, decode, encode
from events.log import Record, message
from events.positions import Position
from events.vocabulary import HISTORY_BODIES, HistoryBody
from projections.entry import Decoded, decoded
from services import own_words
from services.own_words import OwnWords
from tests.builders import a_task
from tests.proof_size import count
from tests.properties.any_event import any_event_of, nearby_event

EXAMPLES = count(small=10, full=100)


def name(body: type[HistoryBody]) -> str:
    return body.__name__


@pytest.mark.prove
@pytest.mark.parametrize("body", HISTORY_BODIES, ids=name)
def test_own_words_are_heard_as_others_read_them(body: type[HistoryBody]) -> None:
    @settings(max_examples=EXAMPLES)
    @given(any_event_of(body))
    def law(event: Event) -> None:
        words = OwnWords()
        said = words.message(event)
        record = Record(Position(0, 0), said.value, 1)

        heard = words.heard(said.value)

        assert said == message(event)
        assert heard is event
        # As the ledger takes it, beside how it takes another process's.
        read = decoded(record)
        assert Decoded(record, heard, "", heard.key) == read
        assert encode(heard) == encode(decode(said.value))

    law()


def test_what_is_too_large_to_be_held_is_decoded() -> None:
    words = OwnWords()
    payload = {"text": "x" * own_words.SMALL_BYTES}
    event = a_task(payload=payload).events[0]

    assert words.heard(words.message(event).value) is None


@pytest.mark.prove
@settings(max_examples=count(small=40, full=1_000))
@given(st.data())
def test_whatever_is_said_and_heard_in_between_nobody_hears_anything_else(
    data: st.DataObject,
) -> None:
    words = OwnWords()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_words, "ON_THE_WAY_LIMIT", 3)
        said: list[bytes] = []
        for event in data.draw(st.lists(nearby_event, min_size=1, max_size=10)):
            said.append(words.message(event).value)
            value = data.draw(st.sampled_from(said))
            heard = words.heard(value)

            assert heard is None or heard == decode(value)
            assert words.heard(value) is None, "heard once, it isn't on its way any more"
