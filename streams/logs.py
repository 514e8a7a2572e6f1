"""Log lines: JSON for machines, colours for people.

Comes in: settings. Goes out: a configured `logging`. Our modules log by the standard library, and what machines look for stands
in `extra`; structlog gives the lines their shape, those of libraries too. Libraries are kept to warnings: at INFO Faust prints
tables at each rebalance. The fields and decisions are listed in docs/logs.md.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import Processor

    from streams.settings import Settings

#: What may stand beside the words of a line. Libraries put other things into their records, which are for nobody's log.
FIELDS = (
    "decision",
    "agency",
    "calendar",
    "topic",
    "partition",
    "offset",
    "partitions",
    "version",
    "action",
    "reason",
    "stage",
    "count",
    "pending",
    "seconds",
)

# The last three are ours, and log what Faust's own classes say in our subclasses. At DEBUG aiosqlite quotes whole rows.
_NOISY = (
    "faust",
    "mode",
    "aiokafka",
    "aiohttp",
    "aiosqlite",
    "alembic",
    "opentelemetry",
    "requests",
    "urllib3",
    "sqlalchemy",
    "streams.disk_store",
    "streams.faustapp",
    "streams.transport",
)


def _traced() -> Processor:
    """Return what adds the trace in which a line is said, if it is said in one."""
    from opentelemetry import trace  # noqa: PLC0415  nobody needs it who does not trace

    def add(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        place = trace.get_current_span().get_span_context()
        if place.is_valid:
            event["trace_id"], event["span_id"] = f"{place.trace_id:032x}", f"{place.span_id:016x}"
        return event

    return add


def configure(settings: Settings) -> None:
    """Send every log line to standard error, in the shape that the settings ask for."""
    pretty = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(FIELDS),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks without local variables, which hold tokens and schedules; both defaults would show them.
    plain = structlog.dev.plain_traceback
    bare = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    if settings.tracing != "off":
        shared.append(_traced())
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
        if pretty
        else [bare, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
