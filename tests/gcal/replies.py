"""Replies as Google words them, and as it does not."""

from __future__ import annotations

from typing import Any

import orjson

from gcal.transport import Reply

JSON = "application/json; charset=UTF-8"
HTML = b"<!DOCTYPE html><html><title>Error</title></html>"


def reply(status: int, value: Any = None, retry_after: str | None = None) -> Reply:
    """A reply in JSON; without a value its body is empty."""
    return Reply(status, b"" if value is None else orjson.dumps(value), retry_after, JSON)


def refusal(status: int, reason: str, retry_after: str | None = None) -> Reply:
    """An error in the old format, which the Calendar API uses."""
    detail = {"domain": "global", "reason": reason, "message": "Text for people"}
    return reply(status, {"error": {"errors": [detail], "code": status, "message": "Text"}}, retry_after)


def new_refusal(status: int, word: str, reason: str, **metadata: str) -> Reply:
    """An error in the new format, which Google's front ends use."""
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}
    return reply(status, {"error": {"code": status, "status": word, "message": "Text", "details": [detail]}})


def html(status: int) -> Reply:
    return Reply(status, HTML, None, "text/html; charset=UTF-8")
