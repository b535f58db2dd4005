"""The API: token, create order (orders and previews), get order, order history, health check."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import ClassVar, Final

from worker.sandbox.books import Row
from worker.sandbox.remote import (
    Call,
    Documented,
    Magic,
    Operation,
    Remote,
    Reply,
    Send,
)
from worker.sandbox.remotes.adobe_vipm.asked import Asked, is_preview, is_return, read_order
from worker.sandbox.remotes.adobe_vipm.documented import (
    CREATE,
    DOCUMENTED,
    PREVIEW,
    RETURN,
    error,
    gateway_error,
)
from worker.sandbox.remotes.adobe_vipm.history import history
from worker.sandbox.remotes.adobe_vipm.ledger import Ledger
from worker.sandbox.remotes.adobe_vipm.magic import LOST, OFFERS, Offer
from worker.sandbox.remotes.adobe_vipm.order import line_price
from worker.sandbox.remotes.adobe_vipm.previewing import preview
from worker.sandbox.remotes.adobe_vipm.returning import problem_of_return
from worker.sandbox.remotes.adobe_vipm.tampered import Tampered
from worker.sandbox.settings import SandboxSettings

CLIENT_ID: Final = "sandbox-client-7f3ac0de"
CLIENT_SECRET: Final = "sandbox-client-secret-91bc"  # noqa: S105 -- the sandbox's own, documented
STORED_FOR: Final = timedelta(days=10)
"""How long an answer is known by its correlation id."""
CUSTOMER_DIGITS: Final = 10
"""Any customer's id of so many digits exists."""

_ORDERS: Final = "/v3/customers/{customer}/orders"


class AdobeVipm(Remote):
    """One partner's integration.

    Assumed, since undocumented: a refused 4120 is not stored, questions are not stored, and any
    well-formed customer, subscription and deployment exists.
    """

    name: ClassVar[str] = "adobe_vipm"
    magic: ClassVar[tuple[Offer, ...]] = OFFERS
    documented: ClassVar[tuple[Documented, ...]] = DOCUMENTED

    def __init__(self, settings: SandboxSettings, send: Send, seed: int) -> None:
        super().__init__(settings, send, seed)
        self._pace = timedelta(seconds=settings.pace)
        self._tokens: dict[str, datetime] = {}
        self._logins = 0
        self._ledger = Ledger(self._pace, seed)
        self._answers: dict[str, tuple[datetime, Reply]] = {}
        self._request_ids: set[str] = set()
        self._refusals: Counter[tuple[str, str, str]] = Counter()

    def operations(self) -> Iterable[Operation]:
        """Everything the API can be asked for. Previews and returns are "Create order" too."""
        return (
            Operation("login", "POST", "/ims/token/v3", self.login, anonymous=True),
            Operation(PREVIEW, "POST", _ORDERS, self.create, when=is_preview),
            Operation(RETURN, "POST", _ORDERS, self.create, when=is_return),
            Operation(CREATE, "POST", _ORDERS, self.create),
            Operation("list", "GET", _ORDERS, self.list_orders),
            Operation("get", "GET", _ORDERS + "/{id}", self.get),
            Operation("ping", "GET", "/partnerservice/ping", self.ping),
        )

    def account(self) -> dict[str, str]:
        """The settings of the one integration; its tokens come from the same place."""
        return {
            "ims_url": "{base_url}",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }

    def error(self, status: int, message: str) -> Reply:
        """A failure: the API's own where it has one for a status, else the gateway's."""
        own = {500: "1124", 429: "4118"}
        return (
            error(own[status]) if status in own else gateway_error(status, f"{status}000", message)
        )

    def knows(self, call: Call) -> bool:
        """Whether the call bears a token that lives."""
        expires = self._tokens.get(call.bearer)
        return expires is not None and call.now < expires

    def turn_away(self, call: Call) -> Reply:
        """Kill the token of the call; one without any is another failure."""
        self._tokens.pop(call.bearer, None)
        return error("4116" if call.bearer else "4117")

    def touched(self, call: Call) -> Iterable[tuple[Magic, str]]:
        """The offers of a call, by the order's external reference."""
        asked = read_order(call.body) if call.operation in {CREATE, PREVIEW} else None
        if not isinstance(asked, Asked):
            return ()
        return [(item.offer, asked.reference) for item in asked.items]

    def rows(self, now: datetime) -> Iterator[Row]:
        """One row per line, oldest first; live unless lost, given back, or a RETURN's own."""
        for order in self._ledger.all():
            for line in order.lines:
                status = order.line_status(line, now)
                buys = order.asked.order_type != "RETURN"
                yield Row(
                    remote=self.name,
                    ref=order.asked.reference or None,
                    order_id=order.order_id,
                    line_id=f"{order.order_id}/{line.item.number}",
                    product=line.item.offer_id,
                    quantity=order.remaining(line, now),
                    price=line_price(line.item),
                    currency=order.currency,
                    status=status,
                    live=status not in LOST and buys,
                    created_at=order.created_at,
                    bought_at=order.created_at if buys else None,
                    extra={"customer": order.customer_id, "type": order.asked.order_type},
                )

    def tampering(self) -> Tampered:
        """The marketplace's books, open to anybody."""
        return Tampered(self._ledger, _exists)

    def login(self, call: Call) -> Reply:
        """A day's token for a client's credentials, asked for as a form."""
        form = call.form
        if call.headers.get("Content-Type", "") != "application/x-www-form-urlencoded":
            return Reply(400, {"error": "invalid_request"})
        if form.get("grant_type") != "client_credentials":
            return Reply(400, {"error": "unsupported_grant_type"})
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return Reply(401, {"error": "invalid_client"})
        if not form.get("scope"):
            return Reply(400, {"error": "invalid_scope"})
        self._logins += 1
        signed = f"{self.seed} {self._logins}".encode()
        token = f"adobe-{hmac.new(b'sandbox', signed, hashlib.sha256).hexdigest()}"
        self._tokens[token] = call.now + self.settings.token_lifetime
        seconds = int(self.settings.token_lifetime.total_seconds())
        return Reply(200, {"access_token": token, "token_type": "bearer", "expires_in": seconds})

    def create(self, call: Call) -> Reply:
        """Answer as before under a correlation id that was answered in the last ten days."""
        correlation = call.headers.get("X-Correlation-Id", "")
        known = self._answers.get(correlation)
        if known and call.now < known[0] + STORED_FOR:
            return known[1]
        if problem := self._problem_of_headers(call):
            return problem
        answer = self._answered(call)
        self._answers[correlation] = (call.now, answer)
        return answer

    def list_orders(self, call: Call) -> Reply:
        """A customer's order history."""
        if problem := self._problem_of_headers(call):
            return problem
        customer = call.parts["customer"]
        if not _exists(customer):
            return error("1116")
        orders = [*self._ledger.of(customer)]
        return history(orders, call.query, call.now, _ORDERS.format(customer=customer))

    def get(self, call: Call) -> Reply:
        """One order of a customer."""
        if problem := self._problem_of_headers(call):
            return problem
        order = self._ledger.get(call.tail)
        if order is None or order.customer_id != call.parts["customer"]:
            return error("2115")
        return Reply(200, order.shown(call.now, prices=call.query.get("fetch-price") == "true"))

    def ping(self, call: Call) -> Reply:
        """Say that the service is there, to those whose key is good."""
        if call.headers.get("X-Api-Key") != CLIENT_ID:
            return error("4115")
        return Reply(200, "pong")

    def _problem_of_headers(self, call: Call) -> Reply | None:
        if call.headers.get("X-Api-Key") != CLIENT_ID:
            return error("4115")
        if not call.headers.get("X-Correlation-Id"):
            return error("4119")
        request_id = call.headers.get("X-Request-Id")
        if request_id in self._request_ids:
            return error("4120")
        if request_id:
            self._request_ids.add(request_id)
        return None

    def _answered(self, call: Call) -> Reply:
        customer = call.parts["customer"]
        if not _exists(customer):
            return error("1116")
        asked = read_order(call.body)
        if isinstance(asked, Reply):
            return asked
        if refused := self._refused(call, asked):
            return refused
        if call.operation == PREVIEW:
            prices = call.query.get("fetch-price") == "true"
            renewing = self._ledger.renewing(customer, call.now)
            return preview(asked, renewing, customer, call.now, prices=prices)
        returned = self._ledger.get(asked.returns)
        if call.operation == RETURN and (
            problem := problem_of_return(asked, returned, customer, call.now)
        ):
            return problem
        return Reply(201, self._ledger.record(call.now, asked, customer, returned).shown(call.now))

    def _refused(self, call: Call, asked: Asked) -> Reply | None:
        """The failure that an offer asks for; the order may have been made all the same."""
        for place, item in enumerate(asked.items, start=1):
            refusal = item.offer.refusal
            if refusal is None or call.operation not in refusal.on:
                continue
            key = (item.offer_id, asked.reference, call.operation)
            self._refusals[key] += 1
            if refusal.times and self._refusals[key] > refusal.times:
                continue
            if refusal.executes:
                self._ledger.record(call.now, asked, call.parts["customer"], None)
            detail = refusal.detail
            return error(
                refusal.code, *([f"Line Item: {place}, Reason: {detail}"] if detail else [])
            )
        return None


def _exists(customer: str) -> bool:
    return customer.isdecimal() and len(customer) == CUSTOMER_DIGITS
