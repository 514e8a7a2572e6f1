"""Log lines: JSON for machines, colours for people.

Comes in: settings. Goes out: a configured `logging`. Our modules log by the standard library; structlog gives the lines
their shape, those of libraries too. Libraries are kept to warnings: at INFO Faust prints tables at each rebalance.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog
from structlog.tracebacks import ExceptionDictTransformer

if TYPE_CHECKING:
    from structlog.typing import Processor

    from streams.settings import Settings

# The last two are ours, and log what Faust's own classes say in our subclasses. At DEBUG aiosqlite quotes whole rows.
_NOISY = (
    "faust",
    "mode",
    "aiokafka",
    "aiohttp",
    "aiosqlite",
    "alembic",
    "sqlalchemy",
    "streams.disk_store",
    "streams.faustapp",
    "streams.transport",
)


def configure(settings: Settings) -> None:
    """Send every log line to standard error, in the shape that the settings ask for."""
    pretty = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks without local variables, which hold tokens and schedules; both defaults would show them.
    plain = structlog.dev.plain_traceback
    bare = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
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
