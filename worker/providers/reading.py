"""Reading what a provider answered, before anybody knows what it means. Pure.

Every adapter's ``wire`` stands on this. It may know JSON and our limits, never a provider.
A value that is not what it should be reads as ``None``: whether that matters, ``wire`` knows.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import MAXYEAR, UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, Final

from schemas import jsontext
from schemas.money import Money
from worker.http import Reply
from worker.outcome import Evidence, InDoubt, NotSent
from worker.scrub import scrub

MAX_WORDS: Final = 300
"""How many characters of a provider's own text are repeated."""
MAX_EVIDENCE: Final = 2000
"""How many characters of a scrubbed answer are kept."""
MAX_IDENTIFIER: Final = 200
MAX_AMOUNT: Final = Decimal(10) ** 15
"""Above this a number in an answer is no price."""

Unanswered = NotSent | InDoubt
"""What a call came to that nobody answered."""

_WORD: Final = re.compile(r"\w")
_OURS: Final = re.compile(r"[0-9a-f]{32}")
_DOTLESS_I: Final = "\N{LATIN SMALL LETTER DOTLESS I}"
_HIDDEN: Final = "…"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_DATE: Final = datetime.max.replace(tzinfo=UTC)
"""Where an answer bears no ``Date``: a wish that is a date then says "soon"."""
_LONG_ENOUGH: Final = 4
"""Personal values this long are hidden also inside words; shorter ones only as a word."""


def document(reply: Reply) -> Any:
    """The answer's JSON, fractions as ``Decimal``; ``None`` where it has not one clear meaning.

    Stricter than ``Reply.json``, because what is read here is acted on and kept: two equal keys
    (which yes counts?) and text that PostgreSQL cannot hold make an answer unreadable.
    """
    return readable(reply.body)


def readable(body: bytes) -> Any:
    """A body's JSON, read as strictly as an answer; ``None`` where it has not one clear meaning."""
    raw = body.removeprefix(codecs.BOM_UTF8)
    try:
        return jsontext.loads(raw, max_bytes=len(raw))
    except jsontext.JsonFault:
        return None


def words(value: Any, personal: Iterable[str] = ()) -> str | None:
    """A provider's own text on one line, ``personal`` values hidden, shortened.

    ``None`` where there is none.
    """
    if not isinstance(value, str):
        return None
    line = "".join(c if c.isprintable() else " " for c in hide(value, personal))
    return _cut(" ".join(line.split()), MAX_WORDS) or None


def plain(text: str) -> str:
    """Text to look for words in: lower case, without accents and Turkish dots."""
    parts = unicodedata.normalize("NFKD", text.casefold().replace(_DOTLESS_I, "i"))
    return "".join(c for c in parts if not unicodedata.combining(c))


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def identifier(value: Any) -> str | None:
    """A provider's id: printable text, or a number above zero."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and 0 < len(value) <= MAX_IDENTIFIER and value.isprintable():
        return value
    return None


def our_reference(value: Any) -> str | None:
    """A reference of ours, by its shape: a ``line_ref``, or an order's id in hex."""
    return value if isinstance(value, str) and _OURS.fullmatch(value) else None


def amount(value: Any) -> Decimal | None:
    """An amount of money, as a number or as text."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", value):
        value = Decimal(value)
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return None
    return Decimal(value) if 0 <= value < MAX_AMOUNT else None


def money(value: Any, currency: str) -> Money | None:
    """An amount in its currency."""
    read = amount(value)
    return None if read is None else Money(read, currency)


def from_epoch(milliseconds: Any) -> datetime | None:
    """A moment given as milliseconds since 1970."""
    if not isinstance(milliseconds, int | Decimal) or isinstance(milliseconds, bool):
        return None
    try:
        found = _EPOCH + timedelta(milliseconds=int(milliseconds))
    except OverflowError:
        return None
    return found if found.year < MAXYEAR else None  # beyond it in some session's time zone


def moment(value: Any) -> datetime | None:
    """An ISO 8601 moment, in UTC; one that names no zone is taken for UTC."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def wish(reply: Reply) -> timedelta | None:
    """How long the provider asks us to wait.

    Where it names a date, that is compared with its own ``Date``: both are of one clock.
    """
    return reply.retry_after(answered_at(reply) or _NO_DATE)


def not_now(reply: Reply, reason: str, wait: timedelta | None = None) -> NotSent:
    """The call was turned away, and may be made again; after ``wait`` where the answer names none.

    Who calls this knows that nothing was executed.
    """
    return NotSent(reason, retry_after=wish(reply) or wait, throttled=reply.throttles)


def answered_at(reply: Reply) -> datetime | None:
    """When it was answered, by the provider's own clock."""
    try:
        found = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def known_by(request_ref: str | None, outcome: Unanswered) -> Unanswered:
    """A call without an answer, with what the provider could find it by."""
    return replace(outcome, evidence=replace(outcome.evidence, request_ref=request_ref))


def evidence(
    reply: Reply, request_ref: str | None, keep: frozenset[str], personal: Iterable[str] = ()
) -> Evidence:
    """What may be kept of an answer: the fields in ``keep``, with ``personal`` values hidden."""
    # Hidden before it is cut, so that no half of a value stays at the end.
    shown = hide(scrub(reply.body, keep, limit=len(reply.body) * 6), personal)
    return Evidence(reply.status, request_ref, _cut(shown, MAX_EVIDENCE))


def hide(text: str, personal: Iterable[str]) -> str:
    """Replace every one of ``personal`` in ``text``: error messages like to repeat input."""
    spellings = {form for value in personal for form in _spellings(value)}
    found = sorted((form for form in spellings if form.strip()), key=len, reverse=True)
    if text.replace(_HIDDEN, "").isascii():
        lower = text.lower()
        for form in found:
            if form.isascii() and form.lower() in lower:  # seldom: most answers repeat nothing
                text = _struck(text, form)
                lower = text.lower()
        found = [form for form in found if not form.isascii()]
    if not found:
        return text
    patterns = (
        re.escape(form) if len(form) >= _LONG_ENOUGH else rf"(?<!\w){re.escape(form)}(?!\w)"
        for form in found
    )
    return re.sub("|".join(patterns), _HIDDEN, text, flags=re.IGNORECASE)


def _spellings(value: str) -> tuple[str, str, str]:
    """As it is, and as it stands in JSON: ASCII only, or with no more escaped than must be."""
    return value, encode_basestring_ascii(value)[1:-1], encode_basestring(value)[1:-1]


def _struck(text: str, form: str) -> str:
    """``text`` without ``form``, both ASCII but for what is hidden already.

    By hand, since each order has values of its own, and to compile a pattern for them costs more
    than all the rest of reading an answer.
    """
    lower, wanted = text.lower(), form.lower()
    at, kept, parts = lower.find(wanted), 0, []
    while at >= 0:
        end = at + len(wanted)
        if len(form) < _LONG_ENOUGH and _WORD.search(
            text[max(at - 1, 0) : at] + text[end : end + 1]
        ):
            end = at + 1
        else:
            parts.append(text[kept:at])
            kept = end
        at = lower.find(wanted, end)
    return _HIDDEN.join([*parts, text[kept:]])


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + _HIDDEN
