"""Access tokens: what is asked, and what the answer says. Pure.

The client's id and secret travel in the query. So the path made here is a secret, and whatever
an answer repeats of it is hidden in every spelling.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode

from pydantic import SecretStr

from worker.http import Reply
from worker.outcome import NotSent
from worker.provider import Token
from worker.providers.account import fits_header
from worker.providers.reading import answered_at, document, evidence, not_now

KEPT: Final = frozenset({"success", "error", "message", "expires_on"})
"""The fields of an answer a person may read; the token is none of them."""

LIFETIME: Final = timedelta(days=50)
"""How long a token is taken to live whose end cannot be read: documented are 60 days at most."""

_OUR_TIMES: Final = range(2000, 2100)
"""Years in which a server may live; far beyond them a moment is none in every time zone."""
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_ZONES: Final = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2,
}  # fmt: skip
"""Names that PHP's ``T`` writes for the zones the provider may be in, in hours."""
_END: Final = re.compile(
    r"(?P<month>[a-z]{3})[a-z]*\.?,? +(?P<day>\d{1,2}),? +(?P<year>20\d\d),? +"
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) *"
    r"(?:(?P<sign>[+-])(?P<hours>[01]\d):?(?P<minutes>[0-5]\d)|(?P<zone>[a-z]+))",
    re.ASCII | re.IGNORECASE,
)
"""``April, 1 2018 00:00:00 +0100`` as the page shows it, ``Apr, 01 2018 00:00:00 CEST`` as a
client reads it (PHP's ``M, d Y H:i:s T``)."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for a token."""

    client_id: SecretStr
    secret: SecretStr

    @property
    def path(self) -> str:
        """What is called. Secret, as it is."""
        query = {
            "client_id": self.client_id.get_secret_value(),
            "client_secret": self.secret.get_secret_value(),
            "grant_type": "authorization_code",
        }
        return f"/api/v2/oauth2/token?{urlencode(query)}"

    @property
    def spellings(self) -> set[str]:
        """Every way in which an answer may repeat the credentials."""
        values = (self.client_id.get_secret_value(), self.secret.get_secret_value())
        return {spelt(value) for value in values for spelt in (str, quote, quote_plus)}


def read_token(reply: Reply, client: Client) -> Token | NotSent:
    """A token, or why there is none. Asking commits nothing, so that is never doubt."""
    match reply.status, document(reply):
        case 200 | 201, {"access_token": str(token), **said} if _is_no_error(said) and fits_header(
            token
        ):
            return Token(token, _end(said.get("expires_on"), reply))
        case 429, _:
            refused = not_now(reply, "login_throttled")
        case 400 | 401 | 403, _:
            refused = NotSent("login_refused")
        case 200, {"error": str() | True}:
            refused = NotSent("login_refused")
        case _:
            refused = NotSent("login_unreadable")
    return replace(refused, evidence=evidence(reply, None, KEPT, client.spellings))


def _is_no_error(said: dict[Any, Any]) -> bool:
    return said.get("success", True) is True and said.get("error") in (None, False, "")


def _end(expires_on: Any, reply: Reply) -> datetime | None:
    """When a token dies; where that is unreadable, some days after the answer by its own clock.

    Where not even that has a date, nobody knows: the token is used until it is turned away.
    """
    if (told := _moment(expires_on)) is not None:
        return told
    answered = answered_at(reply)
    if answered is None or answered.year not in _OUR_TIMES:
        return None
    return (answered + LIFETIME).astimezone(UTC)


def _moment(text: Any) -> datetime | None:
    """A moment in either of the two spellings. One that names no zone we know is none."""
    found = _END.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None or found["month"].lower() not in _MONTHS:
        return None
    if found["sign"]:
        offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
        zone = timezone(-offset if found["sign"] == "-" else offset)
    elif (hours := _ZONES.get(found["zone"].lower())) is not None:
        zone = timezone(timedelta(hours=hours))
    else:
        return None
    month = _MONTHS.index(found["month"].lower()) + 1
    hour, minute, second = (int(found[part]) for part in ("hour", "minute", "second"))
    try:
        return datetime(
            int(found["year"]), month, int(found["day"]), hour, minute, second, tzinfo=zone
        ).astimezone(UTC)
    except ValueError:
        return None
