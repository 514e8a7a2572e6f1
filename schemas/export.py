"""The documents of what comes in and what goes out, for whoever writes or reads our topics in another language.

Comes in: the models. Goes out: a JSON Schema a topic in `docs/schemas` and an AsyncAPI document of all of them, written by
``python -m schemas.export``. What a JSON
Schema cannot say (an end after its start, times with an offset, known time zones) stands in its descriptions, and is
checked at the door.
"""

from __future__ import annotations

import json
from pathlib import Path

from schemas import asyncapi
from schemas.catalogue import DEAD_LETTERS, INPUTS, OUTPUTS

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
ASYNCAPI = FOLDER.parent / "asyncapi.yaml"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """Return the text of each file, by topic."""
    found = {topic: adapter.json_schema(mode="validation") for topic, adapter in INPUTS.items()}
    found |= {topic: adapter.json_schema(mode="serialization") for topic, adapter in OUTPUTS.items()}
    found["dead-letters"] = DEAD_LETTERS
    return {
        topic: json.dumps({"$schema": _DIALECT} | schema, indent=2, ensure_ascii=False) + "\n"
        for topic, schema in found.items()
    }


def asyncapi_text() -> str:
    """Return the text of the AsyncAPI document."""
    import yaml  # noqa: PLC0415  a tool of the developers: nothing that runs needs it

    head = "# Made from the models by `python -m schemas.export`; a test says when it is stale.\n"
    # Through JSON: parts that stand in it twice are written out twice, not as aliases.
    plain = json.loads(json.dumps(asyncapi.document()))
    return head + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for topic, text in documents().items():
        (FOLDER / f"{topic}.json").write_text(text, encoding="utf-8")
    ASYNCAPI.write_text(asyncapi_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
