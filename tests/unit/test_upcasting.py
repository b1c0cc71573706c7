"""Events of older versions: read as the newest, step by step, or refused with a reason."""

import pytest

from events.errors import MalformedEvent, UnknownVersion
from events.event import decode, encode
from events.upcasting import JsonDict
from tests.unit.test_codec import STARTED, changed


def upcast_v0(event: JsonDict) -> JsonDict:
    """From an invented version 0, which called the executor a worker and knew no regions."""
    data = dict(event["data"])
    data["executor"] = data.pop("worker")
    return {**event, "type": "countermand.task.started.v0b", "data": data}


def upcast_v0b(event: JsonDict) -> JsonDict:
    data = {**event["data"], "region": "local", "remote": False}
    return {**event, "type": "countermand.task.started.v1", "data": data}


OLDER = {"countermand.task.started.v0": upcast_v0, "countermand.task.started.v0b": upcast_v0b}


def written_in_v0(event: JsonDict) -> None:
    event["type"] = "countermand.task.started.v0"
    event["data"]["worker"] = event["data"].pop("executor")
    del event["data"]["region"], event["data"]["remote"]


def test_an_older_version_is_read_step_by_step_as_the_newest() -> None:
    raw = changed(STARTED, written_in_v0)

    with pytest.raises(UnknownVersion):
        decode(raw)
    assert decode(raw, OLDER) == STARTED


def test_current_versions_pass_by_the_upcasters() -> None:
    assert decode(encode(STARTED), OLDER) == STARTED


def test_an_older_event_that_lacks_what_its_version_has_is_malformed() -> None:
    def without_worker(event: JsonDict) -> None:
        written_in_v0(event)
        del event["data"]["worker"]

    def with_a_wrong_attempt(event: JsonDict) -> None:
        written_in_v0(event)
        event["data"]["attempt"] = "first"

    with pytest.raises(MalformedEvent, match="lacks what this version has"):
        decode(changed(STARTED, without_worker), OLDER)
    with pytest.raises(MalformedEvent, match="attempt"):
        decode(changed(STARTED, with_a_wrong_attempt), OLDER)
    with pytest.raises(MalformedEvent, match="lacks what this version has"):
        decode(b'{"type":"countermand.task.started.v0"}', OLDER)


def test_upcasters_that_go_round_in_circles_end() -> None:
    round_and_round = {
        "countermand.a.v1": lambda event: {**event, "type": "countermand.a.v2"},
        "countermand.a.v2": lambda event: {**event, "type": "countermand.a.v1"},
    }

    with pytest.raises(MalformedEvent):
        decode(
            changed(STARTED, lambda event: event.update(type="countermand.a.v1")), round_and_round
        )
