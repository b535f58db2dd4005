"""Gifthub's books: one order at a time, by its id, as there is no list. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from schemas.money import Money
from worker.books import BookEntry, BookPage
from worker.http import Reply
from worker.lifecycle import LineState
from worker.outcome import Evidence, InDoubt, NotSent
from worker.providers.gifthub.wire import EXPIRED, KEPT, LOST
from worker.providers.reading import (
    document,
    evidence,
    from_epoch,
    identifier,
    money,
    not_now,
    our_reference,
    words,
)

_STATES: Final[Mapping[str, LineState]] = {
    "confirmed": LineState.ACCEPTED,
    "partial": LineState.PARTIALLY_DELIVERED,
    "successful": LineState.DELIVERED,
    **dict.fromkeys(LOST, LineState.FAILED),
    EXPIRED: LineState.EXPIRED,
}
"""What the states say of a whole order; what one is called before that is a setting."""


def read_shelf(reply: Reply, shelf: str, pending_state: str) -> BookPage | NotSent | InDoubt:
    """The order of a shelf. That 404 says that there is none of that id is assumed."""
    outcome: NotSent | InDoubt
    match reply.status, document(reply):
        case 200, {"data": {"state": str(state), **data}} if data.get("uid", shelf) == shelf:
            seen = Evidence(reply.status, shelf, "1 order was read")
            return BookPage((_entry(shelf, state, data, pending_state),), evidence=seen)
        case 404, {"message": str(), **rest} if "data" not in rest:
            return BookPage((), evidence=Evidence(reply.status, shelf, "no order was read"))
        case 429, _:
            outcome = not_now(reply, "throttled")
        case status, _:
            outcome = InDoubt(f"the order is unreadable (HTTP {status})")
    return replace(outcome, evidence=evidence(reply, shelf, KEPT))


def _entry(shelf: str, state: str, data: Mapping[Any, Any], pending_state: str) -> BookEntry:
    known = LineState.QUOTED if state == pending_state else _STATES.get(state)
    return BookEntry(
        provider_ref=shelf,
        ref=our_reference(data.get("reference")),
        state=known,
        said=words(state) or "",
        price=_total(data.get("invoice")),
        placed_at=_made_at(data.get("createdDate")),
    )


def _made_at(value: Any) -> datetime | None:
    """When an order was made: seconds since 1970, as a database of theirs writes them."""
    seconds = value.get("_seconds") if isinstance(value, dict) else None
    return from_epoch(seconds * 1000) if type(seconds) is int else None


def _total(invoice: Any) -> Money | None:
    """The total of an invoice, where that is an object and names its wallet."""
    fields = invoice if isinstance(invoice, dict) else {}
    currency = identifier(fields.get("wallet"))
    return None if currency is None else money(fields.get("total"), currency)
