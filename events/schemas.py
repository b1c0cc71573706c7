"""The language in the words of others: JSON Schema of every event, and an AsyncAPI 3.0 document.

Both are made from the models, so they say what `decode` takes; but for that the root follows from
the subject, which no schema can say.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from events.event import LIMIT_BYTES, envelope_of
from events.vocabulary import HISTORY_BODIES, OUTPUT_BODIES, AnyBody

JsonSchema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CONTENT_TYPE = "application/cloudevents+json"
ADDRESSES = {"history": "history", "output": "output"}
"""Under which names the two streams are found; a broker's topics may have others."""

STREAMS: Mapping[str, tuple[Sequence[type[AnyBody]], str]] = {
    "history": (HISTORY_BODIES, "Everything that decides, in its order, kept for ever."),
    "output": (OUTPUT_BODIES, "What runs say meanwhile, numbered per run, kept for a time."),
}


def json_schemas() -> dict[str, JsonSchema]:
    """By type tag: the schema of the whole event, envelope and data."""
    return {
        body.TYPE: {
            "$schema": DIALECT,
            "description": _description(body),
            **TypeAdapter(envelope_of(body)).json_schema(),
            "title": body.TYPE,
        }
        for body in (*HISTORY_BODIES, *OUTPUT_BODIES)
    }


def asyncapi_document(version: str, addresses: Mapping[str, str] = ADDRESSES) -> JsonSchema:
    """What the streams hold, for tools that read AsyncAPI 3.0."""
    bodies = (*HISTORY_BODIES, *OUTPUT_BODIES)
    _, definitions = models_json_schema(
        [(envelope_of(body), "validation") for body in bodies],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Countermand",
            "version": version,
            "description": "Tasks are submitted, run, cancelled and audited through these events. "
            "The order of a root's events decides every race.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {name: _channel(name, addresses[name]) for name in STREAMS},
        "operations": {
            f"{verb}{name.capitalize()}": _operation(name, action)
            for name in STREAMS
            for verb, action in (("append", "send"), ("read", "receive"))
        },
        "components": {
            "messages": {body.TYPE: _message(body) for body in bodies},
            "messageTraits": {"cloudEvent": {"contentType": CONTENT_TYPE, "headers": HEADERS}},
            "correlationIds": {
                "correlationid": {
                    "description": "What a caller names to find all that belongs together.",
                    "location": "$message.payload#/correlationid",
                }
            },
            "schemas": definitions["$defs"],
        },
    }


HEADERS: JsonSchema = {
    "type": "object",
    "description": "Copies of attributes of the CloudEvent in the payload, for filters of others.",
    "properties": {
        "content-type": {"type": "string", "const": CONTENT_TYPE},
        "countermand_id": {"type": "string", "format": "uuid"},
        "countermand_type": {
            "type": "string",
            "enum": [b.TYPE for b in (*HISTORY_BODIES, *OUTPUT_BODIES)],
        },
        "countermand_subject": {"type": "string", "description": "The task or project."},
        "countermand_organization": {"type": "string"},
    },
    "required": [
        "content-type",
        "countermand_id",
        "countermand_type",
        "countermand_subject",
        "countermand_organization",
    ],
}


def _channel(name: str, address: str) -> JsonSchema:
    bodies, description = STREAMS[name]
    return {
        "address": address,
        "title": name.capitalize(),
        "description": f"{description} A message has at most {LIMIT_BYTES} bytes; its key is the "
        "organization, a slash, and the root.",
        "messages": {body.TYPE: _reference("components", "messages", body.TYPE) for body in bodies},
    }


def _operation(name: str, action: str) -> JsonSchema:
    bodies, _ = STREAMS[name]
    return {
        "action": action,
        "channel": _reference("channels", name),
        "messages": [_reference("channels", name, "messages", body.TYPE) for body in bodies],
    }


def _message(body: type[AnyBody]) -> JsonSchema:
    return {
        "name": body.TYPE,
        "title": body.__name__,
        "summary": _description(body),
        "traits": [_reference("components", "messageTraits", "cloudEvent")],
        "correlationId": _reference("components", "correlationIds", "correlationid"),
        "payload": _reference("components", "schemas", envelope_of(body).__name__),
    }


def _reference(*path: str) -> JsonSchema:
    return {"$ref": "#/" + "/".join(path)}


def _description(body: type[AnyBody]) -> str:
    return " ".join((body.__doc__ or "").split())
