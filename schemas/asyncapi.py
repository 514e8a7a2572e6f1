"""The AsyncAPI 3.0 document: topics, who writes them, and what stands on them (https://www.asyncapi.com/docs/reference/specification/v3.0.0).

Comes in: shapes and examples. Goes out: one document as plain values. Not here: its file (`schemas.export`). An AsyncAPI
schema is one of JSON Schema draft 7; what pydantic makes fits, but for its discriminators.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import TypeAdapter

from schemas import examples
from schemas.catalogue import DEAD_LETTERS, INPUTS, OUTPUTS
from schemas.cloudevents import CloudEvent

_SCHEMA, _MESSAGE = "#/components/schemas/{model}", "#/components/messages/{message}"

_ABOUT = """\
What Shiftcal reads from Kafka and what it tells there. Topics are named without the prefix that a deployment may have
(`SHIFTCAL_TOPIC_PREFIX`). Values are UTF-8 JSON; input topics take any key and any partitioner, and nothing depends on
the order within or between them: versions decide.

Each input message may come plain or as a CloudEvent 1.0, structured or binary: `id` is its event_id, `time` its
occurred_at, `data` the rest. What stands in both must be the same. A value with an event_id, in a record that has neither a header
ce_specversion nor a content-type of CloudEvents, is plain.

Beyond what schemas can say: a shift's end is after its start; both have an offset, and then a time_zone, or both are days;
time_zone is a name that IANA knows; no text holds half of a surrogate pair."""

_TOPICS = {
    "schedule-changed": "Shifts created, edited, re-assigned or deleted; one message may carry thousands.",
    "calendar-published": "A calendar is published up to a date.",
    "calendar-unpublished": "A calendar is un-published, or rolled back to an earlier date.",
    "user-deactivated": "A user left.",
    "sync-commands": "Connect, disconnect, resync: from the portal, the command or any other service.",
    "sync-results": "One message per change that reached Google, or that Google refused for good. Keyed by agency/user.",
    "sync-status": "Each user's newest status, keyed by agency/user; null once the user is forgotten.",
    "dead-letters": "What could not be read, under its own key, with the reason.",
}

#: As `topics create` makes them.
_FOR_EVER = {"retention.ms": -1, "retention.bytes": -1}
_CONFIGURED: dict[str, dict[str, Any]] = dict.fromkeys(INPUTS, _FOR_EVER) | {
    "sync-status": {"cleanup.policy": ["compact"]}
}

#: Agency and user; ids have no slash.
_USER_KEY = {"type": "string", "pattern": "^[^/]+/[^/]+$"}


def document() -> dict[str, Any]:
    """Return the document."""
    shapes, schemas = _shapes()
    messages = _messages(shapes)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Shiftcal",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, messages) for topic in _TOPICS},
        "operations": {_operation_id(topic): _operation(topic, messages) for topic in _TOPICS},
        "components": {
            "messages": {
                f"{topic}-{kind}": one for topic, kinds in messages.items() for kind, one in kinds.items()
            },
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _shapes() -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return a schema a topic, and the schemas that all of them name."""
    wanted: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (topic, "validation", one) for topic, one in INPUTS.items()
    ]
    wanted += [(topic, "serialization", one) for topic, one in OUTPUTS.items()]
    wanted.append(("cloudevent", "validation", TypeAdapter(CloudEvent)))
    found, made = TypeAdapter.json_schemas(wanted, ref_template=_SCHEMA)
    schemas = _plain(made["$defs"])
    shapes = {topic: _plain(schema) for (topic, _), schema in found.items()}
    for topic in INPUTS:
        _add_data(shapes, schemas, topic)
    schemas["CloudEventHeaders"] = _headers(schemas["CloudEvent"])
    schemas["DeadLetterHeaders"] = DEAD_LETTERS | {"title": "DeadLetterHeaders"}
    return shapes, schemas


def _plain(schema: Any) -> Any:
    """Say of a discriminator what AsyncAPI does: the property's name alone."""
    if isinstance(schema, dict):
        return {
            name: value["propertyName"]
            if name == "discriminator" and isinstance(value, dict)
            else _plain(value)
            for name, value in schema.items()
        }
    return [_plain(one) for one in schema] if isinstance(schema, list) else schema


def _add_data(shapes: dict[str, dict[str, Any]], schemas: dict[str, Any], topic: str) -> None:
    """Add what a CloudEvent's data is: the same, of which the attributes say id and time already."""
    shape = copy.deepcopy(shapes[topic])
    for one in shape.get("oneOf", [shape]):
        name = one["$ref"].rpartition("/")[2]
        schema = copy.deepcopy(schemas[name])
        schema["required"] = [
            field for field in schema["required"] if field not in {"event_id", "occurred_at"}
        ]
        schemas[f"{name}Data"] = schema | {"title": f"{name}Data"}
        one["$ref"] += "Data"
    shapes[f"{topic}.data"] = shape


def _headers(event: dict[str, Any]) -> dict[str, Any]:
    """Return the headers of a binary event."""

    def name(attribute: str) -> str:
        return "content-type" if attribute == "datacontenttype" else f"ce_{attribute}"

    return {
        "title": "CloudEventHeaders",
        "description": "A CloudEvent's attributes as headers of its record, UTF-8.",
        "type": "object",
        "properties": {name(attribute): schema for attribute, schema in event["properties"].items()},
        "required": [name(attribute) for attribute in event["required"]],
    }


def _messages(shapes: dict[str, dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the messages of each topic, by what kind they are."""
    found = {topic: _input(topic, shapes) for topic in INPUTS}
    for topic in OUTPUTS:
        found[topic] = {
            "plain": {
                "title": topic,
                "payload": shapes[topic],
                "bindings": {"kafka": {"key": _USER_KEY, "bindingVersion": "0.5.0"}},
            }
        }
    found["dead-letters"] = {
        "plain": {
            "title": "dead-letters",
            "contentType": "application/octet-stream",
            "headers": {"$ref": _SCHEMA.format(model="DeadLetterHeaders")},
            "payload": {"description": "Whatever came; null where null came, or what came was too long."},
        }
    }
    return found


def _input(topic: str, shapes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the three ways in which a message may come."""
    event = {
        "allOf": [
            {"$ref": _SCHEMA.format(model="CloudEvent")},
            {"type": "object", "properties": {"data": shapes[f"{topic}.data"]}, "required": ["data"]},
        ]
    }
    return {
        "plain": {
            "title": topic,
            "payload": shapes[topic],
            "examples": [{"name": "plain", "payload": examples.EXAMPLES[topic]}],
        },
        "structured": {
            "title": f"{topic} as a structured CloudEvent",
            "contentType": "application/cloudevents+json",
            "payload": event,
            "examples": [{"name": "structured", "payload": examples.structured(topic)}],
        },
        "binary": {
            "title": f"{topic} as a binary CloudEvent",
            "headers": {"$ref": _SCHEMA.format(model="CloudEventHeaders")},
            "payload": shapes[f"{topic}.data"],
            "examples": [
                {"name": "binary", "headers": examples.headers(topic), "payload": examples.data(topic)}
            ],
        },
    }


def _channel(topic: str, messages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": topic,
        "description": _TOPICS[topic],
        "messages": {kind: {"$ref": _MESSAGE.format(message=f"{topic}-{kind}")} for kind in messages[topic]},
    }
    if topic in _CONFIGURED:
        kafka = {"topicConfiguration": _CONFIGURED[topic], "bindingVersion": "0.5.0"}
        channel["bindings"] = {"kafka": kafka}
    return channel


def _operation(topic: str, messages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "action": "receive" if topic in INPUTS else "send",
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{kind}"} for kind in messages[topic]],
    }


def _operation_id(topic: str) -> str:
    action = "receive" if topic in INPUTS else "send"
    return action + "".join(part.capitalize() for part in topic.split("-"))
