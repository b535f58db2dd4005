"""The API: create, list and get orders. One organisation, one private token."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from worker.sandbox.books import Row
from worker.sandbox.remote import (
    Call,
    Documented,
    Json,
    Magic,
    Operation,
    Remote,
    Reply,
    Send,
)
from worker.sandbox.remotes.threekit.ledger import ORG_ID, Ledger
from worker.sandbox.remotes.threekit.magic import (
    CONFIGURATIONS,
    DOCUMENTED,
    REFUSALS,
    Configuration,
    said,
)
from worker.sandbox.remotes.threekit.order import (
    Order,
    cart_of,
    client_key,
    configurations,
    problem_with,
)
from worker.sandbox.remotes.threekit.tampered import Tampered
from worker.sandbox.settings import SandboxSettings

TOKEN: Final = "sandbox-private-token"  # noqa: S105 -- the sandbox's own, documented
PER_PAGE: Final = 20
MAX_PER_PAGE: Final = 100


class Threekit(Remote):
    """One organisation. Every create makes a new order, whatever it says.

    Assumed, since undocumented: a create is answered 200; pages are numbered from 1, newest order
    first, 20 unless asked for up to 100; 401 is for a wrong token and 403 for none.
    """

    name: ClassVar[str] = "threekit"
    magic: ClassVar[tuple[Configuration, ...]] = CONFIGURATIONS
    documented: ClassVar[Sequence[Documented]] = DOCUMENTED

    def __init__(self, settings: SandboxSettings, send: Send, seed: int) -> None:
        super().__init__(settings, send, seed)
        self._ledger = Ledger(timedelta(seconds=settings.pace), seed)

    def operations(self) -> Iterable[Operation]:
        """Everything the API can be asked for here."""
        return (
            Operation("create", "POST", "/api/orders", self.create),
            Operation("list", "GET", "/api/orders", self.list_orders),
            Operation("get", "GET", "/api/orders/{id}", self.get),
        )

    def account(self) -> dict[str, str]:
        """The settings of the one organisation."""
        return {"token": TOKEN}

    def error(self, status: int, message: str) -> Reply:
        """A failure."""
        return said(status, message)

    def knows(self, call: Call) -> bool:
        """Whether the call bears the token, in the header that servers are to use."""
        return call.bearer == TOKEN

    def turn_away(self, call: Call) -> Reply:
        """Answer as to a caller without valid credentials; a token here does not die."""
        status = 401 if call.bearer else 403
        return said(status, REFUSALS[status])

    def touched(self, call: Call) -> Iterable[tuple[Magic, str]]:
        """The configurations of a create, by the caller's own key."""
        if call.operation != "create" or problem_with(call.body, ORG_ID):
            return ()
        key = client_key(call.body) or ""
        return [(one, key) for one in configurations(call.body)]

    def rows(self, now: datetime) -> Iterator[Row]:
        """One row per cart entry, oldest order first; one without product for an empty cart."""
        for order in self._ledger.all():
            for number, entry in enumerate(order.cart or [{}], start=1):
                yield Row(
                    remote=self.name,
                    ref=order.key,
                    order_id=order.order_id,
                    line_id=str(number),
                    product=entry.get("configurationId", ""),
                    quantity=entry.get("count", 0),
                    price=Decimal(0),
                    currency="",
                    status=order.status(now),
                    live=True,
                    created_at=order.created_at,
                    bought_at=order.created_at,
                    extra={"short_id": order.short_id},
                )

    def tampering(self) -> Tampered:
        """The organisation's books, open to anybody."""
        return Tampered(self._ledger)

    def create(self, call: Call) -> Reply:
        """Record an order."""
        if problem := problem_with(call.body, ORG_ID):
            return said(problem.status, problem.message)
        wanted = configurations(call.body)
        if refused := next((one.refusal for one in wanted if one.refusal), None):
            return said(refused, REFUSALS[refused])
        copies = max((one.copies for one in wanted), default=1)
        first, *_ = [self._record(call, wanted, copies - copy) for copy in range(copies)]
        return Reply(200, _shown(first.as_json(call.now), wanted))

    def list_orders(self, call: Call) -> Reply:
        """One page of the orders that match, newest first."""
        page, per_page = _paging(call.query)
        platform = _platform(call.query)
        if page < 1 or per_page < 1 or platform is None:
            return said(400, "page, perPage or platform is malformed")
        found = [
            one
            for one in self._ledger.of_platform(platform)
            if call.now >= one.listed_at and one.matches(call.query, platform)
        ]
        newest_first = found[::-1][(page - 1) * per_page : page * per_page]
        shown = [one.as_json(call.now) for one in newest_first]
        about = {"count": len(found), "page": page, "perPage": per_page, "sort": "-createdAt"}
        return Reply(200, about | {"orders": shown})

    def get(self, call: Call) -> Reply:
        """One order, by either of its ids."""
        order = self._ledger.get(call.tail)
        return (
            said(404, "Order not found") if order is None else Reply(200, order.as_json(call.now))
        )

    def _record(self, call: Call, wanted: Sequence[Configuration], nth_last: int) -> Order:
        cart = [] if any(one.loses_cart for one in wanted) else cart_of(call.body)
        created_at = call.now - (nth_last - 1) * timedelta(milliseconds=1)
        return self._ledger.record(call.body, cart, created_at)


def _shown(order: Json, wanted: Sequence[Configuration]) -> Json:
    """The answer to a create, without what its configurations hide."""
    if any(one.hidden.cart for one in wanted):
        order = order | {"cart": []}
    hidden = {
        name
        for name, hides in (
            ("id", any(one.hidden.id for one in wanted)),
            ("metadata", any(one.hidden.metadata for one in wanted)),
        )
        if hides
    }
    return {name: value for name, value in order.items() if name not in hidden}


def _paging(query: Mapping[str, str]) -> tuple[int, int]:
    """Page and size; 0 for what is no number."""
    asked = (query.get("page", "1"), query.get("perPage", str(PER_PAGE)))
    page, per_page = (int(one) if one.isdecimal() else 0 for one in asked)
    return page, min(per_page, MAX_PER_PAGE)


def _platform(query: Mapping[str, str]) -> Json | None:
    """The ``platform`` that is asked for, nothing of it where none is; ``None`` for no object."""
    try:
        read: Any = json.loads(query.get("platform", "{}"))
    except ValueError:
        return None
    return read if isinstance(read, dict) else None
