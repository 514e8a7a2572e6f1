"""CloudEvents 1.0, as far as we read them: the attributes around a message.

Comes in: attributes from anybody. Goes out: those that say something to us; `subject`, `dataschema` and extensions say
nothing. Not here: what stands in `data`, and where the attributes stood (`planning.cloudevents`).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.base import Instant, Shape

_JSON = re.compile(r"application/json|text/json|[^\s;/]+/[^\s;/]+\+json", re.IGNORECASE)


def _json_type(value: Any) -> Any:
    """Take any media type of JSON, whatever its parameters: bytes that are no UTF-8 are no JSON, and told as that."""
    if value is None or (isinstance(value, str) and _JSON.fullmatch(value.partition(";")[0].strip())):
        return value
    raise PydanticCustomError("json_type", "Input should be a media type of JSON such as application/json")


Named = Annotated[str, StringConstraints(min_length=1)]


class CloudEvent(Shape):
    """The attributes of a CloudEvent; absent, its data is JSON (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)."""

    specversion: Literal["1.0"]
    id: Named
    source: Named
    type: Named
    time: Instant | None = None
    datacontenttype: Annotated[str | None, BeforeValidator(_json_type)] = None
