"""The log pipeline: constant event names, ids as fields, one renderer switch.

Only the fields in ``FIELDS`` ever reach a log line. Personal data and secrets have no field
there, so they cannot be logged by accident; that is what keeps promise P7 for logs.
"""

import logging
import sys
from typing import Final, Literal

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

FIELDS: Final = frozenset(
    {
        "account", "accepted", "attempt", "batch", "boundary", "broker", "code", "count", "doubt",
        "due_in", "entry_id", "error", "event", "event_id", "exc_info", "exception", "fault",
        "free", "intent_id", "lag", "level", "line", "logger", "order", "outcome", "pending",
        "pid", "producer", "provider", "quarantined", "reason", "repeated", "retry_in", "seconds",
        "sequence", "state", "status", "step", "stream", "task", "task_id", "timestamp", "tries",
        "url_host", "version", "worker",
    }
)  # fmt: skip


def keep_known_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop every field that nobody declared harmless."""
    return {key: value for key, value in event.items() if key in FIELDS or key[0] == "_"}


def configure(log_format: Literal["auto", "json", "console"], level: str = "info") -> None:
    """Send all logging, ours and the libraries', through one pipeline to standard error."""
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                keep_known_fields,
                *renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger named after its module."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger
