"""Every event version that was ever written is read as it was then, and means the same bytes."""

import json
from functools import cache
from pathlib import Path

import pytest

from events.event import decode, encode
from events.schemas import json_schemas
from events.upcasting import UPCASTERS
from events.vocabulary import HISTORY_BODIES, OUTPUT_BODIES
from tests.golden.pinned import EVENTS, SCHEMAS

HOW = "is missing: add a sample to tests/golden/samples.py, run `python -m tests.golden.write`"
schemas = cache(json_schemas)
CURRENT = {body.TYPE: body for body in (*HISTORY_BODIES, *OUTPUT_BODIES)}
WRITTEN = sorted(EVENTS.glob("*.jsonl"))


def tag_of(path: Path) -> str:
    return path.name.removesuffix(".jsonl")


@pytest.mark.parametrize("tag", CURRENT)
def test_every_event_of_the_vocabulary_has_golden_bytes(tag: str) -> None:
    assert (EVENTS / f"{tag}.jsonl").exists(), f"tests/golden/events/{tag}.jsonl {HOW}"
    assert (SCHEMAS / f"{tag}.json").exists(), f"tests/golden/schemas/{tag}.json {HOW}"


@pytest.mark.parametrize("path", WRITTEN, ids=tag_of)
def test_golden_bytes_are_read(path: Path) -> None:
    for raw in path.read_bytes().splitlines():
        event = decode(raw)

        assert event.id == decode(raw).id
        if tag_of(path) in CURRENT:
            assert type(event.data) is CURRENT[tag_of(path)]
        else:
            assert tag_of(path) in UPCASTERS, "a version that was written stays readable"


@pytest.mark.parametrize("path", [each for each in WRITTEN if tag_of(each) in CURRENT], ids=tag_of)
def test_golden_bytes_of_a_current_version_are_written_the_same(path: Path) -> None:
    for raw in path.read_bytes().splitlines():
        assert encode(decode(raw)) == raw


@pytest.mark.parametrize("path", [each for each in WRITTEN if tag_of(each) in CURRENT], ids=tag_of)
def test_golden_bytes_show_every_field_and_every_attribute(path: Path) -> None:
    minimal, full = map(json.loads, path.read_bytes().splitlines())
    body, envelope = CURRENT[tag_of(path)], decode(path.read_bytes().splitlines()[0])
    exclusive = {"project", "parent"}

    assert set(full["data"]) | exclusive >= set(body.model_fields)
    assert set(full) == set(type(envelope).model_fields)
    required = {name for name, field in body.model_fields.items() if field.is_required()}
    assert set(minimal["data"]) >= required


@pytest.mark.parametrize("tag", CURRENT)
def test_the_fields_of_a_version_never_change(tag: str) -> None:
    """Not even an optional one may be added: an older reader would take the event for malformed."""
    golden = json.loads((SCHEMAS / f"{tag}.json").read_text())

    assert without_prose(schemas()[tag]) == without_prose(golden), "make it a new version"


def without_prose(schema: object) -> object:
    """Texts may be bettered. A field that is called like a text is kept, as it holds a schema."""
    match schema:
        case dict():
            return {
                key: without_prose(value)
                for key, value in schema.items()
                if key not in ("title", "description") or not isinstance(value, str)
            }
        case list():
            return [without_prose(each) for each in schema]
        case _:
            return schema
