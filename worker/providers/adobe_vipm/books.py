"""Adobe's books: a customer's orders since a moment, whoever placed them. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from worker.books import BookEntry, BookPage
from worker.http import Reply
from worker.outcome import Evidence, InDoubt, NotSent, Refused
from worker.providers.adobe_vipm import listing, wire
from worker.providers.adobe_vipm.errors import PAST_THE_END, No
from worker.providers.adobe_vipm.prices import total_price
from worker.providers.reading import identifier, moment, our_reference, words

_NOT_FOUND: Final = 404


def page_query(since: datetime, offset: int) -> str:
    """What one page is asked for by: orders of all types, from a little before ``since`` on."""
    return urlencode(listing.since_query(since - listing.MARGIN, offset))


def read_page(reply: Reply, offset: int) -> BookPage | Refused | NotSent | InDoubt:
    """The page from an offset on, and the offset of the next.

    Beyond the end there is an error of its own. A customer that Adobe does not know, in its own
    words, has no orders to be read.
    """
    page = listing.read_page(reply, None)
    if not isinstance(page, listing.Page):
        meaning, code, _ = wire.meaning_of(reply)
        if code == PAST_THE_END:
            return BookPage((), evidence=_seen(reply, 0))
        if reply.status == _NOT_FOUND and isinstance(meaning, No):
            return wire.told(wire.judged(reply), reply, None)
        return page
    seen, read = _seen(reply, len(page.orders)), offset + len(page.orders)
    entries = tuple(map(_entry, page.orders))
    if read >= page.total:
        return BookPage(entries, evidence=seen)
    if not entries:
        return InDoubt("the order list ends before its total", seen)
    return BookPage(entries, str(read), seen)


def _seen(reply: Reply, count: int) -> Evidence:
    return Evidence(reply.status, body=f"{count} orders of a customer were read")


def _entry(order: Mapping[Any, Any]) -> BookEntry:
    status = order.get("status")
    known = wire.STANDINGS.get(status) if isinstance(status, str) else None
    returned = order.get("referenceOrderId") if order.get("orderType") == "RETURN" else None
    return BookEntry(
        provider_ref=str(identifier(order["orderId"])),
        ref=our_reference(order.get("externalReferenceId")),
        state=None if known is None else known[0],
        said=words(status) or "",
        price=total_price(order),
        placed_at=moment(order.get("creationDate")),
        gives_back=identifier(returned),
    )
