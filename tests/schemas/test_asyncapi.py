"""The AsyncAPI document says what the code does, in the form that AsyncAPI 3.0 asks for."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from planning.intake import INPUTS, Source, read
from schemas.asyncapi import document
from schemas.export import ASYNCAPI, asyncapi_text
from streams.names import Names
from tests.planning.wrapped import raw

DOCUMENT = document()
KINDS = ("plain", "structured", "binary")

#: The fields that the specification knows, of the objects that we use; the first ones are required.
#: https://www.asyncapi.com/docs/reference/specification/v3.0.0#schema
FIELDS = {
    "": (
        {"asyncapi", "info"},
        {"id", "servers", "defaultContentType", "channels", "operations", "components"},
    ),
    "info": (
        {"title", "version"},
        {"description", "termsOfService", "contact", "license", "tags", "externalDocs"},
    ),
    "channels.*": (
        set(),
        {
            "address",
            "messages",
            "title",
            "summary",
            "description",
            "servers",
            "parameters",
            "tags",
            "externalDocs",
            "bindings",
        },
    ),
    "operations.*": (
        {"action", "channel"},
        {
            "title",
            "summary",
            "description",
            "security",
            "tags",
            "externalDocs",
            "bindings",
            "traits",
            "messages",
            "reply",
        },
    ),
    "components.messages.*": (
        set(),
        {
            "headers",
            "payload",
            "correlationId",
            "contentType",
            "name",
            "title",
            "summary",
            "description",
            "tags",
            "externalDocs",
            "bindings",
            "examples",
            "traits",
        },
    ),
}


def at(path: str) -> list[dict[str, Any]]:
    """The objects at a path; `*` is every name."""
    found = [DOCUMENT]
    for name in path.split(".") if path else ():
        found = [one for each in found for one in (each.values() if name == "*" else [each[name]])]
    return found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from references(one)


def resolve(reference: str) -> Any:
    found: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def fits(schema: dict[str, Any], value: Any) -> bool:
    """Whether a value is what a schema of the document says."""
    return Draft7Validator(schema | {"components": DOCUMENT["components"]}).is_valid(value)


def test_the_file_is_up_to_date() -> None:
    """A changed shape comes with its document: `python -m schemas.export` writes it."""
    text = ASYNCAPI.read_text(encoding="utf-8")
    assert text == asyncapi_text()
    assert yaml.safe_load(text) == DOCUMENT


@pytest.mark.parametrize("path", FIELDS)
def test_the_fields_of_an_object(path: str) -> None:
    """Those that the specification requires are there, and no others than it knows."""
    required, known = FIELDS[path]
    for one in at(path):
        assert required <= one.keys() <= required | known


def test_references() -> None:
    """Each leads somewhere; an operation's messages are its channel's, as the specification asks."""
    for reference in references(DOCUMENT):
        assert resolve(reference) is not None
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        assert all(one["$ref"].startswith(f"{channel}/messages/") for one in operation["messages"])


def test_schemas() -> None:
    """Each is one of JSON Schema draft 7, with AsyncAPI's discriminator: a name."""
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
    said = [one["discriminator"] for one in walk(DOCUMENT) if "discriminator" in one]
    assert set(map(type, said)) == {str}


def walk(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from walk(one)


def test_the_topics() -> None:
    """All that the world may write or read, each with its direction, as `topics create` configures them."""
    names = Names()
    outside = {*names.inputs, names.results, names.status, names.dead_letters}
    assert DOCUMENT["channels"].keys() == outside
    for operation in DOCUMENT["operations"].values():
        topic = operation["channel"]["$ref"].rpartition("/")[2]
        assert operation["action"] == ("receive" if topic in INPUTS else "send")
    for spec in (one for one in names.specs(1) if one.name in outside):
        kafka = DOCUMENT["channels"][spec.name].get("bindings", {}).get("kafka", {})
        for name, said in kafka.get("topicConfiguration", {}).items():
            assert spec.configs()[name] == (",".join(said) if isinstance(said, list) else str(said))


@pytest.mark.parametrize("topic", INPUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_example(topic: str, kind: str) -> None:
    """It is what its schema says, and a worker takes it; without a field that is required, neither."""
    message = DOCUMENT["components"]["messages"][f"{topic}-{kind}"]
    (example,) = message["examples"]
    headers = example.get("headers", {})
    encoded = tuple((name, text.encode()) for name, text in headers.items())
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def taken(value: Any) -> bool:
        return not read(Source(topic, topic, 0, 0, now, None, raw(value), encoded)).letters

    assert fits(message["payload"], example["payload"])
    assert fits(message.get("headers", {}), headers)
    assert taken(example["payload"])
    for field in ("agency_id", "user_id" if "user" in topic or "commands" in topic else "calendar_id"):
        spoiled = copy.deepcopy(example["payload"])
        del (spoiled["data"] if kind == "structured" else spoiled)[field]
        assert not fits(message["payload"], spoiled)
        assert not taken(spoiled)


@pytest.mark.parametrize("topic", INPUTS)
def test_a_cloudevent_without_an_attribute(topic: str) -> None:
    """The document refuses what a worker refuses."""
    messages = DOCUMENT["components"]["messages"]
    (example,), (bare,) = messages[f"{topic}-structured"]["examples"], messages[f"{topic}-binary"]["examples"]
    for name in ("specversion", "id", "source", "type"):
        event = {key: value for key, value in example["payload"].items() if key != name}
        assert not fits(messages[f"{topic}-structured"]["payload"], event)
        headers = {key: value for key, value in bare["headers"].items() if key != f"ce_{name}"}
        assert not fits(messages[f"{topic}-binary"]["headers"], headers)
