"""A span for each HTTP request to Google that is part of a write or a look.

Comes in: what aiohttp tells of a request. Goes out: client spans
(https://opentelemetry.io/docs/specs/semconv/http/http-spans/). Addresses name calendars, which are people's, and events: only
their template is told. No header is added: Google is told nothing of our traces.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aiohttp import TraceConfig
from opentelemetry import trace as api
from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:
    from types import SimpleNamespace

    from aiohttp import (
        ClientSession,
        TraceRequestEndParams,
        TraceRequestExceptionParams,
        TraceRequestStartParams,
    )
    from opentelemetry.trace import Tracer
    from yarl import URL

_NAMED = re.compile(r"/calendars(?:/(?P<calendar>[^/]+)(?:/events(?:/(?P<event>[^/]+))?)?)?/?$")

_OAUTH = {"token", "revoke"}


def http_spans(tracer: Tracer) -> TraceConfig:
    """Return what aiohttp shall call."""

    async def start(_: ClientSession, kept: SimpleNamespace, request: TraceRequestStartParams) -> None:
        if not api.get_current_span().get_span_context().is_valid:
            kept.span = None  # nobody's: tokens that are given back, looks of the portal
            return
        kept.span = tracer.start_span(
            f"{request.method} {template(request.url)}", kind=SpanKind.CLIENT, attributes=_said(request)
        )

    async def end(_: ClientSession, kept: SimpleNamespace, answer: TraceRequestEndParams) -> None:
        if kept.span is None:
            return
        kept.span.set_attribute("http.response.status_code", answer.response.status)
        if answer.response.status >= 400:
            kept.span.set_attribute("error.type", str(answer.response.status))
            kept.span.set_status(StatusCode.ERROR)
        kept.span.end()

    async def broke(_: ClientSession, kept: SimpleNamespace, failure: TraceRequestExceptionParams) -> None:
        if kept.span is None:
            return
        kept.span.set_attribute("error.type", type(failure.exception).__name__)
        kept.span.set_status(StatusCode.ERROR)
        kept.span.end()

    config = TraceConfig()
    config.on_request_start.append(start)
    config.on_request_end.append(end)
    config.on_request_exception.append(broke)
    return config


def template(url: URL) -> str:
    """Return the address's path without what it names; of one that we do not know, nothing."""
    found = _NAMED.search(url.raw_path)
    if found is None:
        word = url.raw_path.rpartition("/")[2]
        return f"/{word}" if word in _OAUTH else "/{unknown}"
    return (
        url.raw_path[: found.start()]
        + "/calendars"
        + ("/{calendarId}" if found["calendar"] else "")
        + ("/events" if "/events" in found[0] else "")
        + ("/{eventId}" if found["event"] else "")
    )


def _said(request: TraceRequestStartParams) -> dict[str, Any]:
    url = request.url
    path = template(url)
    return {
        "http.request.method": request.method,
        "server.address": url.host or "",
        "server.port": url.port or 0,
        "url.template": path,
        "url.full": f"{url.origin()}{path.replace('{calendarId}', 'REDACTED').replace('{eventId}', 'REDACTED')}",
    }
