"""Adobe's access tokens: OAuth client credentials from its identity service. Pure.

A token lives for a day and there is no refresh token: one simply asks again (page "IMS").
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from worker.http import Reply
from worker.outcome import NotSent
from worker.provider import Token
from worker.providers.account import fits_header
from worker.providers.reading import answered_at, document, evidence, not_now

PATH: Final = "/ims/token/v3"
FORM: Final = "application/x-www-form-urlencoded"
KEPT: Final = frozenset({"error"})
"""The one field of an answer that a person may read."""

_LONGEST_LIFE: Final = 366 * 86_400


def login_body(client_id: str, client_secret: str, scope: str) -> bytes:
    """What is asked, as a form."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": scope,
    }
    return urlencode(fields).encode()


def read_login(reply: Reply) -> Token | NotSent:
    """A token, or why there is none. A login changes nothing, so that is never doubt."""
    match reply.status, document(reply):
        case 200, {"access_token": str(token), **rest} if fits_header(token):
            return Token(token, _end(reply, rest.get("expires_in")))
        case 429, _:
            return not_now(reply, "login_throttled")
        case 400 | 401 | 403, _:
            reason = "login_refused"
        case _:
            reason = "login_unreadable"
    return NotSent(reason, evidence=evidence(reply, None, KEPT))


def _end(reply: Reply, seconds: Any) -> datetime | None:
    """When a token dies, by the clock of the answer itself."""
    given_at = answered_at(reply)
    if given_at is None or type(seconds) is not int or not 0 < seconds <= _LONGEST_LIFE:
        return None
    try:
        return given_at.astimezone(UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None
