"""Threekit's books: everything that was recorded for one shop order. Pure.

The list is filtered there by ``platform``, and by what public pages show that may be looser than
meant: what is plainly another shop order's, and not ours, is left out here.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from schemas import jsontext
from schemas.intents.threekit import ORDER_KEY
from worker.books import BookEntry, BookPage
from worker.http import Reply
from worker.outcome import Evidence, InDoubt, NotSent
from worker.providers.paging import MOST_REPEATS, Place, reaches_back
from worker.providers.reading import evidence, identifier, moment, our_reference, words
from worker.providers.threekit import listing
from worker.providers.threekit.wire import KEPT, stands

MARGIN: Final = timedelta(hours=1)
"""How much further back than asked for the list is read: clocks differ."""

_NO_PROSE: Final = KEPT - {"message", "error"}


def read_page(
    reply: Reply, shelf: str, place: Place, since: datetime, *, until_complete: bool
) -> BookPage | NotSent | InDoubt:
    """One page of the list, and where it goes on.

    It does not after a page that is not full, nor after one that repeats the page before: that is
    what a list without pages looks like when it is asked for a second one. One that calls itself
    by the number that was asked for may just have been pushed there by new orders.
    """
    page = listing.read_page(reply)
    if not isinstance(page, listing.Page):
        return replace(page, evidence=evidence(reply, None, _NO_PROSE))
    seen = Evidence(reply.status, body=f"{len(page.orders)} orders of a platform were read")
    wanted = jsontext.loads(shelf.encode())["id"]
    entries = tuple(
        _entry(one, until_complete=until_complete) for one in page.orders if _is_meant(one, wanted)
    )
    if reaches_back((moment(one.get("createdAt")) for one in page.orders), since - MARGIN):
        return BookPage(entries, evidence=seen)
    then = place.after([identifier(one["id"]) for one in page.orders])
    moved = not then.repeats or (page.number == place.number and then.repeats < MOST_REPEATS)
    if page.orders and page.is_full and moved:
        number = then.number if page.number is None else page.number + 1
        return BookPage(entries, str(replace(then, number=number)), seen)
    read = then.read if moved else place.read
    if page.count is not None and read < page.count:
        return InDoubt("the order list holds fewer orders than it counts", seen)
    return BookPage(entries, evidence=seen)


def _entry(order: Mapping[str, Any], *, until_complete: bool) -> BookEntry:
    return BookEntry(
        provider_ref=str(identifier(order["id"])),
        ref=_our_key(order),
        state=stands(order.get("status"), until_complete=until_complete),
        said=words(order.get("status")) or "",
        placed_at=moment(order.get("createdAt")),
    )


def _our_key(order: Mapping[str, Any]) -> str | None:
    texts = order.get("metadata")
    return our_reference(texts.get(ORDER_KEY)) if isinstance(texts, dict) else None


def _is_meant(order: Mapping[str, Any], wanted: str) -> bool:
    """Whether an order is of the shop order that is asked for, or bears a key of ours."""
    platform = order.get("platform")
    said = identifier(platform.get("id")) if isinstance(platform, dict) else None
    return said == wanted or _our_key(order) is not None
