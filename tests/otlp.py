"""An OTLP/HTTP receiver, as a collector is one: it takes protobuf and keeps spans.

In: requests to `/v1/traces`. Out: `Span`s with what a test looks at, and everything as text for whoever looks for secrets.
"""

from __future__ import annotations

import asyncio
import gzip
import threading
from typing import Any, NamedTuple, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

KINDS = {1: "internal", 3: "client", 4: "producer", 5: "consumer"}


class Span(NamedTuple):
    """One span. `links` are the span ids of what it is linked to, `seconds` how long it took."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    attributes: dict[str, Any]
    resource: dict[str, Any]
    failed: bool
    seconds: float


class Receiver:
    """Listens on a port of its own, in a thread of its own, until closed."""

    def __init__(self, answer_after: float = 0.0, status: int = 200) -> None:
        self._answer_after, self._status = answer_after, status
        self.requests: list[ExportTraceServiceRequest] = []
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def environment(self) -> dict[str, str]:
        """What leads a worker here, without much waiting."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}

    def spans(self) -> list[Span]:
        """All that came."""
        return [
            _span(span, {one.key: _value(one.value) for one in of.resource.attributes})
            for request in list(self.requests)
            for of in request.resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]

    def text(self) -> str:
        """All that came, in words."""
        return "\n".join(str(request) for request in self.requests)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/traces", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._up.set()
        await self._ended.wait()
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body[:2] == b"\x1f\x8b":  # aiohttp unpacks what says that it is packed
            body = gzip.decompress(body)
        await asyncio.sleep(self._answer_after)
        assert request.content_type == "application/x-protobuf"
        self.requests.append(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, status=self._status, content_type="application/x-protobuf")


def _span(span: Any, resource: dict[str, Any]) -> Span:
    return Span(
        span.name,
        KINDS[span.kind],
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        tuple(link.span_id.hex() for link in span.links),
        {one.key: _value(one.value) for one in span.attributes},
        resource,
        span.status.code == 2,
        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def _value(value: Any) -> Any:
    return getattr(value, str(value.WhichOneof("value")))
