"""Celery's own words about messages that it throws away, without the messages.

It would write all of one into the log: body, headers, and the arguments once more. A producer
that misspells ``order.submit`` has sent a whole intent that way.
"""

import logging
import re
from typing import Final

from celery.worker.consumer.consumer import (
    INVALID_TASK_ERROR,
    MESSAGE_DECODE_ERROR,
    UNKNOWN_FORMAT,
    UNKNOWN_TASK_ERROR,
)

LOGGER: Final = "celery.worker.consumer.consumer"

_THROWN_AWAY: Final = frozenset(
    {INVALID_TASK_ERROR, MESSAGE_DECODE_ERROR, UNKNOWN_FORMAT, UNKNOWN_TASK_ERROR}
)
_NAME: Final = re.compile(r"'[A-Za-z0-9_.:-]{1,100}'")


def without_message(record: logging.LogRecord) -> bool:
    """Cut such a line off where it would begin to quote. A filter that lets everything pass.

    An unknown task's name may stay, if it looks like one.
    """
    if record.msg in _THROWN_AWAY:
        said = str(record.msg).partition("%")[0].splitlines()[0].strip(" :")
        name = str(record.args[0]) if isinstance(record.args, tuple) else ""
        known = record.msg == UNKNOWN_TASK_ERROR and _NAME.fullmatch(name)
        record.msg, record.args = f"{said} {name}" if known else said, ()
    return True
