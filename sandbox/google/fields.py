"""The standard parameter `fields`: a selector for partial answers.

In: a mask such as `items(id,etag),nextPageToken` or `items/start/date`. Out: the answer cut down to it.
https://developers.google.com/workspace/calendar/api/guides/performance#partial-response
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sandbox.google.errors import Json, invalid

_TOKEN = re.compile(r"[A-Za-z0-9_*]+|[(),/]", re.ASCII)

Mask = dict[str, "Mask"]


@lru_cache(maxsize=64)
def parse(text: str) -> Mask:
    """The mask as a tree; an empty branch keeps everything below."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text.replace(" ", ""):
        raise invalid(f"Invalid field selection {text}")
    mask = _group(tokens)
    if tokens or not mask:
        raise invalid(f"Invalid field selection {text}")
    return mask


def _group(tokens: list[str]) -> Mask:
    mask: Mask = {}
    while tokens and tokens[0] not in "()":
        name = tokens.pop(0)
        if name in ",/":
            raise invalid("Invalid field selection")
        mask[name] = _below(tokens)
        if tokens and tokens[0] == ",":
            tokens.pop(0)
        else:
            break
    return mask


def _below(tokens: list[str]) -> Mask:
    if tokens and tokens[0] == "/":
        tokens.pop(0)
        if not tokens or tokens[0] in "(),/":
            raise invalid("Invalid field selection")
        return {tokens.pop(0): _below(tokens)}
    if tokens and tokens[0] == "(":
        tokens.pop(0)
        mask = _group(tokens)
        if not tokens or tokens.pop(0) != ")":
            raise invalid("Invalid field selection")
        return mask
    return {}


def select(answer: Json, mask: Mask) -> Json:
    """The part of an answer that the mask names."""
    if "*" in mask:
        return {name: _cut(value, mask["*"]) for name, value in answer.items()}
    return {name: _cut(answer[name], below) for name, below in mask.items() if name in answer}


def _cut(value: Any, below: Mask) -> Any:
    if not below:
        return value
    if isinstance(value, list):
        return [_cut(item, below) for item in value]
    return select(value, below) if isinstance(value, dict) else value
