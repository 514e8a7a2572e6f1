"""A second opinion on every request: Google's own description of the API.

In: a method name, its query and its body. Out: what the full discovery document does not allow.
The document is the one that google-api-python-client ships (a development dependency); without it there is no check.
Not here: rules that the document does not state (`events.py`).
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.google.errors import Json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def load() -> Json | None:
    """The discovery document, if google-api-python-client is installed."""
    spec = importlib.util.find_spec("googleapiclient")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "discovery_cache" / "documents" / "calendar.v3.json"
    document: Json | None = orjson.loads(path.read_bytes()) if path.is_file() else None
    return document


class Discovery:
    """The check against one discovery document."""

    def __init__(self, document: Json) -> None:
        self._common: Json = document["parameters"]
        self._schemas: Json = document["schemas"]
        self._resources: Json = document["resources"]

    def method(self, name: str) -> Json:
        """The description of `events.insert` and its like."""
        resource, _, verb = name.rpartition(".")
        method: Json = self._resources[resource]["methods"][verb]
        return method

    def check(self, name: str, query: Mapping[str, Sequence[str]], body: Any) -> list[str]:
        """Everything about a request that the document does not allow."""
        method = self.method(name)
        found = list(self._check_query(method.get("parameters", {}), query))
        reference = method.get("request", {}).get("$ref")
        if reference is None:
            return [*found, "a body was sent to a method that takes none"] if body is not None else found
        if not isinstance(body, dict):
            return [*found, "the body is not a JSON object"]
        nulls = method["httpMethod"] == "PATCH"
        found += self._check_object(self._schemas[reference], body, "", nulls=nulls)
        return found + [
            f"{field} is required"
            for field, described in self._schemas[reference]["properties"].items()
            if method["id"] in described.get("annotations", {}).get("required", ())
            and body.get(field) is None
        ]

    def _check_query(self, parameters: Json, query: Mapping[str, Sequence[str]]) -> Iterator[str]:
        for name, values in query.items():
            described = parameters.get(name) or self._common.get(name)
            if described is None or described["location"] != "query":
                yield f"unknown parameter {name}"
                continue
            if len(values) > 1 and not described.get("repeated"):
                yield f"parameter {name} is given {len(values)} times"
            for value in values:
                problem = _parameter_problem(described, value)
                if problem:
                    yield f"parameter {name} {problem}"

    def _check_value(self, schema: Json, value: Any, path: str, *, nulls: bool) -> Iterator[str]:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"]]
        if value is None:
            if not nulls:
                yield f"{path} is null, which means something only in a patch"
            return
        kind = schema.get("type", "any")
        if not _is(kind, value):
            yield f"{path} is not of type {kind}"
        elif kind == "object":
            yield from self._check_object(schema, value, path + ".", nulls=nulls)
        elif kind == "array":
            for index, item in enumerate(value):
                yield from self._check_value(schema["items"], item, f"{path}[{index}]", nulls=nulls)
        elif kind == "string" and not _is_format(schema.get("format"), value):
            yield f"{path} is not a {schema['format']}"

    def _check_object(self, schema: Json, value: Json, prefix: str, *, nulls: bool) -> Iterator[str]:
        properties = schema.get("properties", {})
        for name, inner in value.items():
            described = properties.get(name, schema.get("additionalProperties"))
            if described is None:
                yield f"unknown field {prefix}{name}"
            else:
                yield from self._check_value(described, inner, prefix + name, nulls=nulls)


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case _:
            return True


def _is_format(name: str | None, value: str) -> bool:
    match name:
        case "date":
            return _DATE.fullmatch(value) is not None
        case "date-time":
            return _DATE_TIME.fullmatch(value) is not None
        case _:
            return True


def _parameter_problem(described: Json, value: str) -> str | None:
    match described["type"]:
        case "boolean" if value.lower() not in ("true", "false"):
            return f"is no boolean: {value!r}"
        case "integer":
            if not re.fullmatch(r"-?\d+", value, re.ASCII):
                return f"is no integer: {value!r}"
            if not int(described.get("minimum", value)) <= int(value) <= int(described.get("maximum", value)):
                return f"is out of range: {value}"
        case "string" if "enum" in described and value not in described["enum"]:
            return f"is none of {described['enum']}"
        case "string" if not _is_format(described.get("format"), value):
            return f"is not a {described['format']}"
    return None
