"""The log pipeline: constant event names, ids as fields, one renderer switch.

Only the fields in ``FIELDS`` ever reach a log line. Personal data and secrets have no field
there, so they cannot be logged by accident; that is what keeps promise P7 for logs. For the same
reason an exception is told by its types and places: its text may quote a customer's row.

What a line is about is bound once, where work on it begins (``about``), and stands in every line
from there on, whoever writes it: the order or the DeliverID's line, the attempt, and the trace. All
that is done for one order, in whatever process and at whatever time, has one trace: the order's id
in 32 hex digits, which is how other systems write a trace's. A request at the gateway has that of
its caller, if it names one. Which process it was, each line of a worker says.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from worker.errors import OrderlineError

FIELDS: Final = frozenset(
    {
        "account", "accepted", "attempt", "batch", "boundary", "broker", "code", "count", "doubt",
        "due_in", "entry_id", "error", "event", "event_id", "exception", "fault",
        "free", "intent_id", "lag", "level", "line", "logger", "method", "milliseconds", "order",
        "outcome", "pending", "percent", "pid", "producer", "provider", "quarantined", "reason",
        "repeated", "retry_in", "route", "seconds",
        "sequence", "state", "status", "step", "stream", "task", "task_id", "timestamp",
        "to_cancel", "trace", "tries", "url_host", "version", "worker",
    }
)  # fmt: skip


def keep_known_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop every field that nobody declared harmless."""
    return {key: value for key, value in event.items() if key in FIELDS}


def tell_exceptions(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the story of an exception in its place."""
    found = event.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if error is not None and not isinstance(error, BaseException):
        error = sys.exc_info()[1] if error else None
    return event if error is None else {**event, "exception": story(error)}


def story(error: BaseException) -> str:
    """Where an exception came from, through all its causes, the first one first.

    Only our own exceptions and the operating system's are quoted: PostgreSQL's would show the
    row, pydantic's the input.
    """
    told: list[str] = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        words = f": {at}" if isinstance(at, (OrderlineError, OSError)) else ""
        places = "".join(traceback.format_tb(at.__traceback__))
        told.append(f"{places}{type(at).__module__}.{type(at).__qualname__}{words}")
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "\n\n".join(reversed(told))


_ABOUT: Final[ContextVar[Mapping[str, UUID | str | int]]] = ContextVar(
    "about", default=MappingProxyType({})
)
"""What is done here and now is about these. Bound for every order and every delivery, so as they
are: they are written out only for a line."""


class about:  # noqa: N801 -- used as a function is
    """Every line of the block, and of the tasks begun in it, is about these.

    ``trace`` is the order's unless another one is given; an UUID is written without its dashes.
    """

    __slots__ = ("_before", "_bound")

    def __init__(
        self,
        *,
        order: UUID | str | None = None,
        line: UUID | str | None = None,
        attempt: int | None = None,
        trace: UUID | str | None = None,
    ) -> None:
        ids = {"order": order, "line": line, "trace": trace or order, "attempt": attempt}
        self._bound = {name: each for name, each in ids.items() if each is not None}

    def __enter__(self) -> None:
        self._before = _ABOUT.set({**_ABOUT.get(), **self._bound})

    def __exit__(self, *_: object) -> None:
        _ABOUT.reset(self._before)


def about_attempt(number: int) -> None:
    """From here on to the end of the block it is about this attempt of its order."""
    _ABOUT.set({**_ABOUT.get(), "attempt": number})


def tell_about(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add what the line is about, unless it says so itself."""
    for name, each in _ABOUT.get().items():
        event.setdefault(name, each if isinstance(each, int) else _written(name, each))
    return event


def _written(name: str, each: UUID | str) -> str:
    return str(each).replace("-", "") if name == "trace" else str(each)


def configure(
    log_format: Literal["auto", "json", "console"],
    level: str = "info",
    *,
    worker: Callable[[], str] | None = None,
) -> None:
    """Send all logging, ours and the libraries', through one pipeline to standard error.

    ``worker`` gives the name of the process, where every line is to say it.
    """
    shared: list[Processor] = [
        tell_about,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([] if worker is None else [_naming(worker)]),
    ]
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
                tell_exceptions,
                keep_known_fields,
                _renderer(log_format),
            ],
        )
    )
    # Of an error behind another one it tells PostgreSQL's text, which may show a row.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    logging.raiseExceptions = False  # or a line that cannot be written is printed, unfiltered
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _renderer(log_format: Literal["auto", "json", "console"]) -> Processor:
    if log_format == "console" or (log_format == "auto" and sys.stderr.isatty()):
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer()


def _naming(worker: Callable[[], str]) -> Processor:
    def name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("worker", worker())
        return event

    return name


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger named after its module."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger
