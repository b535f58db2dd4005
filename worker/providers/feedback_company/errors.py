"""What the provider's failures mean, as data.

The page documents no list. Three public clients show three shapes, ``{"success": false, "error":
"text"}``, ``{"error": true}`` and ``{"error": "text"}``, all of them under 2xx too; the statuses
below are those that a client gives a meaning to. What is unlisted there says "assumed".
"""

from collections.abc import Mapping
from enum import Enum, auto
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from worker.outcome import RefusalCode
from worker.providers.reading import plain


class Sense(Enum):
    """What an HTTP status adds to what the body says."""

    BODY = auto()
    """The body decides: a readable no is a no, all else is doubt."""
    TOKEN = auto()
    """The access token is dead and nothing was executed, whatever the body says."""
    WAIT = auto()
    """Too many calls, nothing was executed (assumed: no limit is documented)."""
    DOUBT = auto()
    """Not even a readable no is believed."""


_SENSES: Final[Mapping[int, Sense]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: Sense.TOKEN,
        HTTPStatus.TOO_MANY_REQUESTS: Sense.WAIT,
        # A wrong path or suffix, as one client has it; the provider says nothing. That this came
        # from the API at all, and not from something before it that lost the answer, is nobody's
        # word. A wrong ``base_url`` shows in ``check`` before the first order does.
        HTTPStatus.NOT_FOUND: Sense.DOUBT,
        HTTPStatus.NOT_ACCEPTABLE: Sense.DOUBT,
        HTTPStatus.REQUEST_TIMEOUT: Sense.DOUBT,
    }
)
_CODES: Final[Mapping[int, RefusalCode]] = MappingProxyType(
    {HTTPStatus.FORBIDDEN: RefusalCode.FORBIDDEN}
)


def sense_of(status: int) -> Sense:
    """What a status that is no success adds: redirects and the server's own failures are doubt."""
    client_error = HTTPStatus(400) <= status < HTTPStatus(500)
    return _SENSES.get(status, Sense.BODY if client_error else Sense.DOUBT)


def code_of(status: int) -> RefusalCode:
    """Why an order was refused, as far as the status tells."""
    return _CODES.get(status, RefusalCode.INVALID)


_NO_ENTRY: Final = ("unauthorized", "unauthorised", "no access")
"""What a dead token is called, today and in older versions, under 400 and 200 as well."""

_IDS: Final = ("external_id", "external id", "externalid")
_KNOWN: Final = (
    "taken", "already", "exists", "not unique", "be unique", "duplicate", "in use",
    "bestaat al", "al in gebruik", "reeds",
)  # fmt: skip
"""How a repeated id may be named: that it must be unique is documented, the answer is not. The
provider speaks English and Dutch."""
_ANOTHERS: Final = "product"
"""Products have an ``external_id`` of their own, which says nothing of the order's."""


def shuts_out(text: str) -> bool:
    """Whether an error says that the token is no longer good."""
    return any(words in plain(text) for words in _NO_ENTRY)


def taken(text: str) -> bool | None:
    """Whether an error says that the order's own id is there already.

    ``None`` where it may mean a product's: that would be a no, the other is nearly a yes.
    """
    said = plain(text)
    if not any(name in said for name in _IDS) or not any(words in said for words in _KNOWN):
        return False
    return None if _ANOTHERS in said else True
