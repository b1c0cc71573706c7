"""All events of one root go to one judge, whoever wrote their bytes and however."""

import json

import pytest
from hypothesis import given, settings

from events.event import Event, decode, encode
from events.log import Record
from events.positions import Position
from services.rebuild.dealing import Dealt, dealt
from tests.builders import a_task
from tests.properties.any_event import any_event

VALUE = encode(a_task("a-task").events[0])


def of(value: bytes) -> Dealt:
    return dealt(Record(Position(0, 0), value, 0))


@settings(max_examples=30)
@given(any_event)
def test_the_root_in_the_bytes_is_that_of_the_event(event: Event) -> None:
    assert of(encode(event)) == (event.root.encode(), event.key)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(json.dumps(json.loads(VALUE)).encode(), id="with spaces"),
        pytest.param(json.dumps(json.loads(VALUE), indent=1).encode(), id="over lines"),
        pytest.param(
            json.dumps(json.loads(VALUE), sort_keys=True, separators=(",", ":")).encode(),
            id="in another order",
        ),
        pytest.param(VALUE.replace(b'"root":"a-task"', b'"r\\u006fot":"a-task"'), id="escaped"),
        pytest.param(
            VALUE.replace(b'"root":"a-task"', b'"root":"other"').replace(
                b'"region":"local","data"', b'"root":"a-task","region":"local","data"'
            ),
            id="said twice",
        ),
        pytest.param(
            VALUE.replace(b'"root":"a-task"', b'"root":"other"').replace(
                b'"region":"local","data"', b'"\\u0072oot":"a-task","region":"local","data"'
            ),
            id="said twice, once escaped",
        ),
        pytest.param(VALUE.replace(b'"root":"a-task"', b'"root":"a\\u002dtask"'), id="as escapes"),
    ],
)
def test_an_event_that_is_written_otherwise_goes_where_its_root_goes(value: bytes) -> None:
    assert value != VALUE
    assert decode(value).root == "a-task"
    assert of(value).root == b"a-task"


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff\x00", b'","root":"', b'"root"', VALUE[:300]])
def test_what_is_no_event_goes_somewhere(value: bytes) -> None:
    assert isinstance(of(value).root, bytes)
