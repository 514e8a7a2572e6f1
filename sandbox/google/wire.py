"""Answers on the wire, and how a fault is played.

In: an answer or a fault, and the request. Out: an aiohttp response, or a connection that is closed without one.
Not here: which fault applies (`faults.py`), what the answer is (`api.py`, `oauth.py`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from sandbox.google.errors import GoogleError, Json, bad_credentials
from sandbox.google.grants import OAuthError

if TYPE_CHECKING:
    from sandbox.google.faults import Fault

JSON_TYPE = "application/json; charset=UTF-8"
HTML_503 = b"""<!DOCTYPE html><html lang=en><title>Error 503 (Service Unavailable)!!1</title>
<p><b>503.</b> <ins>That's an error.</ins><p>The service is temporarily unavailable. Please try again later."""
HTML_404 = b"""<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title>
<p><b>404.</b> <ins>That's an error.</ins><p>The requested URL was not found on this server."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What would go over the wire. A status of None is a connection closed without an answer."""

    status: int | None
    body: bytes = b""
    reason: str | None = None
    """Google's reason word of a refusal, for the journal."""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE


def ok(resource: Json) -> Answer:
    """200 with a resource and its etag."""
    etag = resource.get("etag")
    return Answer(200, orjson.dumps(resource), headers={} if etag is None else {"ETag": etag})


def refusal(error: GoogleError) -> Answer:
    """An error of the Calendar API."""
    return Answer(error.code, error.body(), error.reason, error.headers)


def oauth_refusal(error: OAuthError) -> Answer:
    """An error of the token endpoint."""
    body = orjson.dumps({"error": error.error, "error_description": error.description})
    return Answer(error.code, body, error.error)


async def play(fault: Fault, method: str, request: web.Request, closing: asyncio.Event) -> Answer:
    """What a caller sees of a fault."""
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    match fault.kind:
        case "status" if method.startswith("oauth."):
            answer = oauth_refusal(OAuthError(fault.reason, fault.message, fault.status))
            return Answer(answer.status, answer.body, answer.reason, headers)
        case "status":
            return refusal(
                GoogleError(fault.status, fault.reason, fault.message, domain=fault.domain, headers=headers)
            )
        case "html":
            return Answer(fault.status, HTML_503, "html", headers, "text/html; charset=UTF-8")
        case "unauthorized":
            return refusal(bad_credentials())
        case "empty":
            return Answer(200)
        case "hang":
            await _hang(fault.seconds, request, closing)
            return Answer(None)
        case "drop" | "latency":
            return Answer(None)


async def _hang(seconds: float, request: web.Request, closing: asyncio.Event) -> None:
    """Say nothing until the time is over, the caller is gone or the server stops."""
    until = asyncio.get_running_loop().time() + seconds
    while (left := until - asyncio.get_running_loop().time()) > 0:
        if request.transport is None or request.transport.is_closing():
            return
        try:
            async with asyncio.timeout(min(left, 0.2)):
                await closing.wait()
                return
        except TimeoutError:
            continue


def send(answer: Answer, request: web.Request) -> web.Response:
    """Turn an answer into a response; without a status the connection is cut."""
    if answer.status is None:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # goes nowhere: the connection is gone
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if answer.status == web.HTTPNoContent.status_code:
        del headers["Content-Type"]
    return web.Response(status=answer.status, body=answer.body or None, headers=headers)
