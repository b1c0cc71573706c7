"""The language in the words of others: JSON Schema, AsyncAPI, CloudEvents."""

import json
import re
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from countermand.cli import looking
from events.errors import MalformedEvent
from events.event import Event, decode, encode
from events.log import message
from events.schemas import asyncapi_document, json_schemas
from events.vocabulary import HISTORY_BODIES, OUTPUT_BODIES
from tests.golden.pinned import HISTORIES, events_of
from tests.golden.samples import FULL, full_event, minimal_event

EVENTS = [made(body) for body in FULL for made in (minimal_event, full_event)]
TAGS = [body.TYPE for body in (*HISTORY_BODIES, *OUTPUT_BODIES)]


def named(event: Event) -> str:
    full = "full" if event.traceparent else "minimal"
    return f"{event.type.removeprefix('countermand.')}, {full}"


@cache
def validator(tag: str) -> Draft202012Validator:
    return Draft202012Validator(schemas()[tag], format_checker=formats)


formats = FormatChecker()


@formats.checks("date-time", raises=ValueError)
def is_a_time_with_an_offset(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


schemas = cache(json_schemas)


@cache
def document() -> dict[str, Any]:
    return asyncapi_document("1.2.3")


# JSON Schema.


def test_every_event_has_a_schema_that_is_one() -> None:
    assert list(schemas()) == TAGS
    for tag, schema in schemas().items():
        assert validator_for(schema) is Draft202012Validator
        Draft202012Validator.check_schema(schema)
        assert schema["title"] == tag
        assert len(schema["description"]) > 20


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_an_event_is_valid_by_its_schema_and_by_no_other(event: Event) -> None:
    told = json.loads(encode(event))

    fitting = [tag for tag in TAGS if validator(tag).is_valid(told)]

    assert fitting == [event.type]


def test_every_golden_history_is_valid_by_the_schemas() -> None:
    events = [event for path in sorted(HISTORIES.iterdir()) for event in events_of(path)]

    assert len(events) > 200
    for event in events:
        validator(event.type).validate(json.loads(encode(event)))


WRONG: list[Any] = [[], {"a": 1}, "\n" * 20_000, -1, True, 1.5, None]


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_what_a_schema_refuses_is_malformed(event: Event) -> None:
    """Whatever is left out or of another kind: schema and decoder agree."""
    told = json.loads(encode(event))
    broken = []
    for part in (told, told["data"], told["data"]["actor"]):
        for key, value in list(part.items()):
            for wrong in WRONG:
                part[key] = wrong
                broken.append(json.dumps(told))
            del part[key]
            broken.append(json.dumps(told))
            part[key] = value
        part["unheardof"] = 1
        broken.append(json.dumps(told))
        del part["unheardof"]

    refused = [raw for raw in broken if not validator(event.type).is_valid(json.loads(raw))]

    assert len(refused) > len(broken) / 2
    for raw in broken:
        if raw in refused:
            with pytest.raises(MalformedEvent):
                decode(raw.encode())
        else:
            decode(raw.encode())


# AsyncAPI. The document was checked against the official schema of 3.0.0 when it was written; here
# its shape is checked by the part of that schema that it uses, so that no such file is needed.

REFERENCE = {
    "type": "object",
    "properties": {"$ref": {"type": "string", "pattern": "^#/"}},
    "required": ["$ref"],
    "additionalProperties": False,
}
TEXT = {"type": "string", "minLength": 1}
KEYS = {"propertyNames": {"pattern": r"^[a-zA-Z0-9.\-_]+$"}, "minProperties": 1}


def closed(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def mapping(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": of, **KEYS}


SHAPE = closed(
    "asyncapi info channels operations components defaultContentType",
    asyncapi={"const": "3.0.0"},
    defaultContentType=TEXT,
    info=closed(
        "title version description license",
        title=TEXT,
        version=TEXT,
        description=TEXT,
        license=closed("name", name=TEXT),
    ),
    channels=mapping(
        closed(
            "address messages",
            address=TEXT,
            title=TEXT,
            description=TEXT,
            messages=mapping(REFERENCE),
        )
    ),
    operations=mapping(
        closed(
            "action channel messages",
            action={"enum": ["send", "receive"]},
            channel=REFERENCE,
            messages={"type": "array", "items": REFERENCE, "minItems": 1},
        )
    ),
    components=closed(
        "messages schemas messageTraits correlationIds",
        messages=mapping(
            closed(
                "name title summary traits payload correlationId",
                name=TEXT,
                title=TEXT,
                summary=TEXT,
                traits={"type": "array", "items": REFERENCE},
                payload=REFERENCE,
                correlationId=REFERENCE,
            )
        ),
        schemas=mapping({"type": "object"}),
        messageTraits=mapping(
            closed("contentType headers", contentType=TEXT, headers={"type": "object"})
        ),
        correlationIds=mapping(
            closed(
                "location",
                description=TEXT,
                location={"type": "string", "pattern": r"^\$message\.(header|payload)#(/.+)*$"},
            )
        ),
    ),
)


def test_the_document_has_the_shape_of_an_asyncapi_document() -> None:
    Draft202012Validator(SHAPE).validate(document())
    assert document()["info"]["version"] == "1.2.3"


def references(part: Any) -> list[str]:
    match part:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [each for value in part.values() for each in references(value)]
        case list():
            return [each for value in part for each in references(value)]
        case _:
            return []


def test_every_reference_in_the_document_leads_somewhere() -> None:
    found = set(references(document()))

    assert len(found) > len(TAGS)
    for reference in found:
        target: Any = document()
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert isinstance(target, dict)
    used = {each.rpartition("/")[2] for each in found if "/schemas/" in each}
    assert set(document()["components"]["schemas"]) == used, "nothing is there in vain"


def test_the_streams_hold_what_they_hold() -> None:
    channels = document()["channels"]

    assert list(channels["history"]["messages"]) == [body.TYPE for body in HISTORY_BODIES]
    assert list(channels["output"]["messages"]) == [body.TYPE for body in OUTPUT_BODIES]
    assert (
        asyncapi_document("1", {"history": "a.h", "output": "a.o"})["channels"]["output"]["address"]
        == "a.o"
    )
    for name, operation in document()["operations"].items():
        channel = operation["channel"]["$ref"].rpartition("/")[2]
        assert name in (f"append{channel.capitalize()}", f"read{channel.capitalize()}")
        assert len(operation["messages"]) == len(channels[channel]["messages"])


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_an_event_is_valid_by_the_document(event: Event) -> None:
    components = document()["components"]
    resource = DRAFT202012.create_resource(document())
    registry: Registry[Any] = Registry().with_resource("urn:document", resource)
    headers = components["messageTraits"]["cloudEvent"]["headers"]

    def check(schema: dict[str, Any], instance: object) -> None:
        Draft202012Validator(schema, registry=registry).validate(instance)

    payload = components["messages"][event.type]["payload"]["$ref"]
    check({"$ref": f"urn:document{payload}"}, json.loads(encode(event)))
    check(headers, dict(message(event).headers))
    assert set(message(event).headers) == set(headers["properties"])


# CloudEvents, by the official SDK.

ATTRIBUTE_NAME = re.compile("[a-z0-9]{1,20}")


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_the_official_sdk_reads_an_event_as_it_is(event: Event) -> None:
    raw = encode(event)

    cloud_event = JSONFormat().read(CloudEvent, raw)

    assert cloud_event.get_specversion() == "1.0"
    assert cloud_event.get_id() == str(event.id)
    assert cloud_event.get_source() == event.source
    assert cloud_event.get_type() == event.type
    assert cloud_event.get_subject() == event.subject
    assert cloud_event.get_time() == event.time
    assert cloud_event.get_datacontenttype() == "application/json"
    assert cloud_event.get_data() == json.loads(raw)["data"]
    for name in ("organization", "root", "region", "traceparent"):
        assert cloud_event.get_extension(name) == getattr(event, name)
    for name in ("correlationid", "causationid"):
        of_ours = getattr(event, name)
        assert cloud_event.get_extension(name) == (of_ours and str(of_ours))
    assert all(map(ATTRIBUTE_NAME.fullmatch, cloud_event.get_attributes()))


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_what_the_official_sdk_writes_is_the_same_event(event: Event) -> None:
    written = JSONFormat().write(JSONFormat().read(CloudEvent, encode(event)))

    assert decode(written) == event


@pytest.mark.parametrize("event", EVENTS[:4], ids=named)
def test_the_official_sdk_reads_an_event_from_a_kafka_message(event: Event) -> None:
    ours = message(event)
    headers = {name: text.encode() for name, text in ours.headers.items()}

    told = from_kafka(
        KafkaMessage(headers, ours.key.encode(), ours.value), JSONFormat(), CloudEvent
    )

    assert told.get_id() == str(event.id)
    assert told.get_extension("partitionkey") == event.key


def test_the_command_line_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    looking.schema("events")
    assert json.loads(capsys.readouterr().out) == json_schemas()
    looking.schema("asyncapi")
    printed = json.loads(capsys.readouterr().out)
    assert printed == asyncapi_document(printed["info"]["version"])
