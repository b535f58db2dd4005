"""Finding our order in Threekit's list: the only way to ask about a call without an answer.

The list is filtered by ``platform`` there and read again here: whether that filter wants equality
or containment is not public, other callers may record the same order of the shop, and no filter on
``metadata``, where our own key is, exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from worker.http import Reply
from worker.order import Ordered
from worker.outcome import (
    Absent,
    Check,
    Checked,
    Confirmed,
    Evidence,
    InDoubt,
    LookUp,
    NotSent,
    RefusalCode,
    Refused,
)
from worker.providers.reading import document, identifier, moment
from worker.providers.threekit.errors import FORBIDDEN, UNAUTHORIZED, of_reading
from worker.providers.threekit.wire import (
    bears_our_key,
    held,
    order_key,
    platform_of,
    recorded,
)

PER_PAGE: Final = 100

Entry = Mapping[str, Any]

_LAST: Final = datetime.max.replace(tzinfo=UTC)
"""When an order was made that does not say so: an older one is preferred."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page. What it does not say of itself is ``None``: a bare array says nothing."""

    orders: tuple[Entry, ...]
    count: int | None = None
    number: int | None = None
    per_page: int | None = None

    @property
    def is_full(self) -> bool:
        """Whether another page may follow; one that says nothing of its size may always."""
        return self.per_page is None or len(self.orders) >= self.per_page


def read_page(reply: Reply) -> Page | NotSent | InDoubt:
    """One page of the list: an object with ``orders`` or (assumed) those alone."""
    match reply.status, document(reply):
        case 200, {"orders": list(orders), **said} if _are_orders(orders):
            numbers = (_number(said.get(name)) for name in ("count", "page", "perPage"))
            return Page(tuple(orders), *numbers)
        case 200, list(orders) if _are_orders(orders):
            return Page(tuple(orders))
        case _:
            return of_reading(reply, "the order list")


@dataclass(slots=True)
class Listing:
    """The list as far as it was read, each order once."""

    order: Ordered
    _orders: dict[str, Entry] = field(default_factory=dict)
    _count: int | None = None
    _pages: int = 0
    _number: int | None = None

    def add(self, page: Page) -> bool:
        """Take a page; whether the list goes on after it.

        It does not after a page that brings nothing new, which is also what a list without pages
        looks like when it is asked for a second one; nor after one that is not full.
        """
        before = len(self._orders)
        for entry in page.orders:
            self._orders.setdefault(str(identifier(entry["id"])), entry)
        self._pages += 1
        self._number, self._count = page.number, page.count
        return page.is_full and len(self._orders) > before

    @property
    def next_number(self) -> int:
        """The number of the page to ask for now, counted from what the last one calls itself."""
        return self._pages + 1 if self._number is None else self._number + 1

    def finding(self, *, ended: bool, until_complete: bool) -> LookUp:
        """What the list, read to its end or not, says about the order.

        That ours is there is proven by the part that shows it, and of several the oldest whole
        one is ours; that it is not there is proven only by the whole list.
        """
        read = self.evidence()
        keyed = filter(self._bears_our_key, self._orders.values())
        ours = sorted(filter(self._is_of_our_platform, keyed), key=_age)
        if not ours:
            unclear = self._unclear(ended=ended)
            return InDoubt(unclear, read) if unclear else Absent(read)
        whole = [entry for entry in ours if held(entry, self.order) == len(self.order.lines)]
        adopted = (whole or ours)[0]
        found = recorded(adopted, self.order, until_complete=until_complete)
        if isinstance(found, Confirmed):
            others = (str(identifier(one["id"])) for one in ours if one is not adopted)
            found = replace(found, surplus=tuple(others))
        return replace(found, evidence=read)

    def evidence(self) -> Evidence:
        """What a person may know of it; the pages themselves hold other orders."""
        counted = "" if self._count is None else f" of {self._count}"
        read = f"{len(self._orders)}{counted} orders of this platform were read"
        return Evidence(200, order_key(self.order), read)

    def _unclear(self, *, ended: bool) -> str | None:
        """Why a list that does not show our order proves nothing, where it does not."""
        if not ended:
            return "the order list is longer than is read"
        if self._count is not None and len(self._orders) < self._count:
            return "the order list holds fewer orders than it counts"
        for entry in self._orders.values():
            if self._bears_our_key(entry):
                return "an order bears our key and another platform id"
            if self._is_of_our_platform(entry) and "metadata" not in entry:
                return "the order list shows no metadata, where our key is"
        return None

    def _is_of_our_platform(self, entry: Entry) -> bool:
        platform = entry.get("platform")
        said = identifier(platform.get("id")) if isinstance(platform, dict) else None
        return said == platform_of(self.order)["id"]

    def _bears_our_key(self, entry: Entry) -> bool:
        """Whether an order is ours; one of the same shop order without our key is another's."""
        return bears_our_key(entry, self.order)


def read_check(reply: Reply) -> Check:
    """Whether the account may read orders. No order is read, so an answer like a list is enough."""
    page = read_page(reply)
    if reply.status in {UNAUTHORIZED, FORBIDDEN}:
        return Refused(RefusalCode.FORBIDDEN, f"the token was not taken (HTTP {reply.status})")
    return Checked() if isinstance(page, Page) else page


def _are_orders(entries: list[Any]) -> bool:
    return all(isinstance(one, dict) and identifier(one.get("id")) for one in entries)


def _number(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _age(entry: Entry) -> tuple[datetime, str]:
    return moment(entry.get("createdAt")) or _LAST, str(entry["id"])
