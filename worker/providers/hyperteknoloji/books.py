"""A tenant's books: the same order list that a look-up reads, line by line. Pure.

Its shape is assumed, and so is that it is complete, as far as what it does not show is concerned.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from worker.books import BookEntry, BookPage
from worker.http import Reply
from worker.outcome import Evidence, InDoubt, NotSent
from worker.providers.hyperteknoloji import listing
from worker.providers.hyperteknoloji.standing import standing_of
from worker.providers.hyperteknoloji.wire import KEPT, Pricing
from worker.providers.paging import MOST_REPEATS, Place
from worker.providers.reading import evidence, our_reference, words

_NO_PROSE: Final = KEPT - {"message", "reason"}
"""What may be kept of an answer about everybody's orders."""


def read_page(
    reply: Reply, place: Place, since: datetime, pricing: Pricing
) -> BookPage | NotSent | InDoubt:
    """One page of the list, and where it goes on.

    It ends with an empty page: one that is not full may have been made smaller by the tenant.
    """
    rows = listing.rows_of(reply)
    if rows is None:
        return replace(listing.unread(reply), evidence=evidence(reply, None, _NO_PROSE))
    seen = Evidence(reply.status, body=f"{len(rows)} lines of the order list were read")
    entries = tuple(_entries(rows, pricing))
    if rows and not entries:
        return InDoubt("the order list carries no OrderID", seen)
    if not rows or listing.reaches_back(rows, since):
        return BookPage(entries, evidence=seen)
    then = place.after([(row.order_id, row.detail_id, row.line_ref) for row in rows])
    if then.repeats >= MOST_REPEATS:
        return InDoubt("the order list does not move on from page to page", seen)
    return BookPage(entries, str(then), seen)


def _entries(rows: Iterable[listing.Row], pricing: Pricing) -> Iterator[BookEntry]:
    """The lines of which it is told whose they are: one without an order's id names nothing."""
    for row in rows:
        if row.order_id is None:
            continue
        known = standing_of(row.status)
        yield BookEntry(
            provider_ref=row.order_id,
            provider_line_ref=row.detail_id or "",
            ref=our_reference(row.line_ref),
            state=None if known is None else known[0],
            said="" if row.status is None else words(str(row.status)) or "",
            price=pricing.of_line(row.price, row.quantity),
            placed_at=row.placed_at,
        )
