"""Pages that say no, and to whom that is due: kindly, and nothing of what is inside."""

import re
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from worker.console.held import GoesOn
from worker.console.tries import TooMany
from worker.console.visit import Visit
from worker.crypto import SealBroken
from worker.errors import NotFound
from worker.logs import get_logger
from worker.operating.naming import Ambiguous
from worker.operating.words import Unfit
from worker.steps.resolve import Undecidable
from worker.store.quarantine import AlreadyClosed, Erased
from worker.store.session import is_transient

AGAIN: Final = 5
"""Seconds after which whoever met an outage may try again."""

log = get_logger(__name__)


class Forbidden(Exception):
    """Somebody may not do this; ``visit`` is there where it is known who."""

    def __init__(self, why: str, visit: Visit | None = None) -> None:
        super().__init__(why)
        self.visit = visit


class Conflict(Exception):
    """It is not as whoever decided saw it."""


@dataclass(frozen=True, slots=True)
class Said:
    """A page's status, its headline and its sentence."""

    status: int
    title: str
    detail: str


_IN_THE_CONSOLE: Final = (
    ("say which by --ref (open:", "name its id (open:"),
    (": --ref ID", ""),
    ("; --unchecked records it all the same", "; tick “without asking the provider” to record it"),
    ("with `orderline parked`", "again"),
    (", then `orderline cancel` puts it once more", ", then call it off once more"),
)
"""What the command says in its own words."""
_LINE: Final = re.compile(r"--line (.+?)=ID")

_AWAY: Final = Said(
    503,
    "The database does not answer",
    "Nothing can be shown or decided without it. If you have just decided something, look whether"
    " it was done before you do it again.",
)
_BROKEN: Final = Said(500, "Something went wrong here", "It was noted.")
_GOES_ON: Final = Said(
    202,
    "That takes a while",
    "The provider is still being asked. It is seen through; look again in a minute at what came of"
    " it.",
)
_SEALED: Final = Said(409, "Sealed", "It is sealed with a key that is not configured here.")


def page_of(error: Exception, visit: Visit) -> Response:
    """The page for whatever happened. What nobody expected is logged."""
    said = _said(error)
    if said is _BROKEN:
        log.error("page_failed", exc_info=error)
    elif said is _AWAY:
        log.warning("page_not_shown", error=type(error).__name__)
    if isinstance(error, Forbidden) and error.visit is not None:
        visit = error.visit
    answer = visit.page("refused.html", said.status, said=said)
    again = error.again if isinstance(error, TooMany) else AGAIN if said is _AWAY else None
    if again is not None:
        answer.headers["retry-after"] = str(again)
    return answer


def nothing_here() -> Said:
    """For a path that leads nowhere."""
    return Said(404, "Not found", "There is nothing here.")


def _said(error: Exception) -> Said:  # noqa: PLR0911 -- one for each kind
    match error:
        case Forbidden():
            return Said(403, "Not allowed", str(error))
        case NotFound():
            return Said(404, "Not found", in_words(str(error)))
        case Undecidable() | Ambiguous() | Conflict() | Erased():
            return Said(409, "That cannot be done", in_words(str(error)))
        case AlreadyClosed():
            return Said(409, "That cannot be done", "Somebody has decided about it before.")
        case SealBroken():
            return _SEALED
        case Unfit():
            return Said(422, "That does not fit", str(error))
        case TooMany():
            return Said(429, "Too many tries", str(error))
        case GoesOn():
            return _GOES_ON
        case _ if is_transient(error):
            return _AWAY
        case _:
            return _BROKEN


def in_words(text: str) -> str:
    """A sentence of the command, in the words of the console."""
    for command, console in _IN_THE_CONSOLE:
        text = text.replace(command, console)
    return _LINE.sub(r"\1", text)
