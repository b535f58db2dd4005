"""The API: create, confirm, get, customer. One customer, wallets in EUR, USD and IRT."""

import string
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import ClassVar, Final

from worker.sandbox.books import Row
from worker.sandbox.callbacks import Callback
from worker.sandbox.remote import Call, Documented, Json, Magic, Operation, Remote, Reply, Send
from worker.sandbox.remotes.gifthub.documented import DOCUMENTED
from worker.sandbox.remotes.gifthub.magic import (
    EXPIRED,
    FAILED,
    PARTIAL,
    PENDING,
    REJECTED,
    SKUS,
    SUCCESSFUL,
    Sku,
)
from worker.sandbox.remotes.gifthub.order import (
    BASE_CURRENCY,
    RATES,
    Asked,
    Order,
    Problem,
    Wanted,
    priced,
    read_create,
    read_list,
)
from worker.sandbox.remotes.gifthub.tampered import Tampered
from worker.sandbox.settings import SandboxSettings

TOKEN: Final = "sandbox-token"  # noqa: S105 -- the sandbox's own, documented
OPENING_BALANCE: Final = {"EUR": Decimal(10**8), "USD": Decimal(10**8), "IRT": Decimal(10**13)}
WEBHOOK_TRIES: Final = 3
RETAIL_CURRENCY: Final = "IRT"

_FREED: Final = frozenset({EXPIRED, FAILED, REJECTED})
"""States in which an order's money is the customer's again (assumed)."""
_DELIVERED: Final = frozenset({PARTIAL, SUCCESSFUL})
_WEBHOOKS: Final = frozenset({PARTIAL, SUCCESSFUL, FAILED, REJECTED})
_ID_LETTERS: Final = string.ascii_letters + string.digits


class Gifthub(Remote):
    """One customer. A wrong token is a 403; repeated references are new orders.

    Assumed, since undocumented: ``get`` holds ``redeemData`` once there is some and calls an
    unconfirmed order past its time "expired"; ``balance`` includes ``frozenBalance``.
    """

    name: ClassVar[str] = "gifthub"
    magic: ClassVar[tuple[Sku, ...]] = SKUS
    documented: ClassVar[tuple[Documented, ...]] = DOCUMENTED

    def __init__(self, settings: SandboxSettings, send: Send, seed: int) -> None:
        super().__init__(settings, send, seed)
        self._pace = timedelta(seconds=settings.pace)
        self._random = Random(seed)  # noqa: S311 -- repeatable ids on purpose
        self._orders: dict[str, Order] = {}
        self._holding: dict[str, Order] = {}
        self._taken = dict.fromkeys(RATES, Decimal(0))

    def operations(self) -> Iterable[Operation]:
        """Everything the API can be asked for."""
        return (
            Operation("create", "POST", "/order/create", self.create),
            Operation("confirm", "PUT", "/order/confirm", self.confirm),
            Operation("get", "GET", "/order/get", self.get),
            Operation("customer", "GET", "/customer/info", self.customer),
        )

    def account(self) -> dict[str, str]:
        """The settings of the one customer."""
        return {"token": TOKEN}

    def error(self, status: int, message: str) -> Reply:
        """A failure: a message, no data."""
        return Reply(status, {"message": message})

    def knows(self, call: Call) -> bool:
        """Whether the call bears the token."""
        return call.bearer == TOKEN

    def turn_away(self, call: Call) -> Reply:  # noqa: ARG002 -- a static token cannot die
        """Answer as to a caller without valid credentials; here that is a 403."""
        return self.error(403, "Invalid credentials")

    def touched(self, call: Call) -> Iterable[tuple[Magic, str]]:
        """The SKUs of a create by reference, those of a confirm by order id."""
        if not isinstance(call.body, dict):
            return ()
        if call.operation == "create":
            wanted = read_list(call.body)
            ref = str(call.body.get("reference"))
            return [] if isinstance(wanted, Problem) else [(one.product, ref) for one in wanted]
        order = self._orders.get(str(call.body.get("orderId")))
        return [(one.product, order.order_id) for one in order.asked.wanted] if order else ()

    def rows(self, now: datetime) -> Iterator[Row]:
        """One row per SKU of every order, oldest first; live from the confirmation on."""
        for order in self._orders.values():
            state = order.state(now)
            for wanted in order.asked.wanted:
                yield Row(
                    remote=self.name,
                    ref=order.asked.reference,
                    order_id=order.order_id,
                    line_id=wanted.sku,
                    product=wanted.sku,
                    quantity=wanted.quantity,
                    price=order.price_of(wanted),
                    currency=order.asked.wallet,
                    status=state,
                    live=state != PENDING and state not in _FREED,
                    created_at=order.created_at,
                    bought_at=order.confirmed_at,
                )

    def tampering(self) -> Tampered:
        """The books, open to anybody."""
        return Tampered(self._orders, self._new_order)

    def create(self, call: Call) -> Reply:
        """Freeze a price and the money for it. Nothing is bought yet."""
        asked = read_create(call.body)
        if isinstance(asked, Problem):
            return self.error(asked.status, asked.message)
        if refused := _refusal(asked.wanted, "create"):
            return refused
        order = self._new_order(call.now, asked)
        if not self._affordable(order, call.now):
            return self.error(400, "Insufficient wallet funds")
        self._orders[order.order_id] = self._holding[order.order_id] = order
        self._taken[asked.wallet] += order.total
        expires_at = int(order.expires_at.timestamp() * 1000)
        data = {"id": order.order_id, **self._priced(order, PENDING)}
        return _done(data | {"expiresAt": expires_at})

    def confirm(self, call: Call) -> Reply:
        """Buy what was created, once, in time."""
        order_id = call.body.get("orderId") if isinstance(call.body, dict) else None
        if not isinstance(order_id, str) or not order_id:
            return self.error(400, "No valid orderId")
        order = self._orders.get(order_id)
        if order is None or order.confirmed_at is not None:
            return self.error(404, "Not a pending order")
        if order.state(call.now) == EXPIRED:
            return self.error(419, "Expired")
        if refused := _refusal(order.asked.wanted, "confirm"):
            return refused
        order.confirmed_at = call.now
        if not any(state in _FREED for _, state in order.stages):
            del self._holding[order_id]
        self._owe_webhooks(order, call.now)
        return _done({"id": order_id, "state": "confirmed"})

    def get(self, call: Call) -> Reply:
        """One order by its id; there is no look-up by reference."""
        order = self._orders.get(call.query.get("orderId", ""))
        if order is None:
            return self.error(404, "Order not found")
        state = order.state(call.now)
        data: Json = {
            "uid": order.order_id,
            "state": state,
            "products": {
                wanted.sku: {"request": {"quote": wanted.quote, "quantity": wanted.quantity}}
                for wanted in order.asked.wanted
            },
            **self._priced(order, state),
            "createdDate": _timestamp(order.created_at),
        }
        shown = all(wanted.product.redeem_data_in_get for wanted in order.asked.wanted)
        if shown and state in _DELIVERED:
            data["redeemData"] = order.redeem_data(state)
        return _done(data)

    def customer(self, call: Call) -> Reply:
        """The wallets: delivered orders are debited, open ones frozen."""
        balance, frozen = dict(OPENING_BALANCE), dict.fromkeys(RATES, Decimal(0))
        for order in self._orders.values():
            state = order.state(call.now)
            if state in _DELIVERED:
                balance[order.asked.wallet] -= order.total
            elif state not in _FREED:
                frozen[order.asked.wallet] += order.total
        wallet = {
            code: {"balance": balance[code], "frozenBalance": frozen[code], "creditBalance": 0}
            for code in RATES
        }
        return _done({"wallet": wallet, "retailCurrency": RETAIL_CURRENCY})

    def _new_order(self, now: datetime, asked: Asked) -> Order:
        windows = [one.product.window for one in asked.wanted if one.product.window is not None]
        window = timedelta(seconds=min(windows)) if windows else self.settings.frozen_for
        order_id = "".join(self._random.choices(_ID_LETTERS, k=20))
        return Order(order_id, asked, now, now + window, self._pace)

    def _affordable(self, order: Order, now: datetime) -> bool:
        """Whether the wallet covers it; what was freed meanwhile is counted only when needed."""
        opening, wallet = OPENING_BALANCE[order.asked.wallet], order.asked.wallet
        if self._taken[wallet] + order.total <= opening:
            return True
        for held in [held for held in self._holding.values() if held.state(now) in _FREED]:
            self._taken[held.asked.wallet] -= held.total
            del self._holding[held.order_id]
        return self._taken[wallet] + order.total <= opening

    def _owe_webhooks(self, order: Order, now: datetime) -> None:
        if order.asked.webhook is None:
            return
        told = order.stages if order.leader.told is None else order.leader.told
        for paces, state in told:
            if state not in _WEBHOOKS:
                continue
            body = {
                "orderId": order.order_id,
                "orderState": state,
                "reference": order.asked.reference,
                "redeemData": order.redeem_data(state),
            }
            callback = Callback(self.name, order.asked.webhook, body, tries=WEBHOOK_TRIES)
            self.send(now + paces * self._pace, callback)

    def _priced(self, order: Order, state: str) -> Json:
        """Rates and both invoices, as create and get show them."""
        pairs = {RETAIL_CURRENCY, order.asked.wallet} - {BASE_CURRENCY}
        records = [
            {
                "sku": one.sku,
                "total": {order.asked.wallet: order.price_of(one)},
                "items": [],
            }
            for one in order.asked.wanted
        ]
        retail = sum((priced(one.price, RETAIL_CURRENCY) for one in order.asked.wanted), Decimal(0))
        return {
            "exchangeRates": [
                {
                    "baseCurrency": code,
                    "targetCurrency": BASE_CURRENCY,
                    "rate": RATES[code],
                    "modifiedDate": _timestamp(order.created_at),
                }
                for code in sorted(pairs)
            ],
            "invoice": {
                "total": order.total,
                "wallet": order.asked.wallet,
                "records": records,
                "paymentMethod": "balance",
                "status": "paid" if state in _DELIVERED else "pending",
            },
            "retailInvoice": {"total": retail, "wallet": RETAIL_CURRENCY, "records": []},
        }


def _refusal(wanted: list[Wanted], on: str) -> Reply | None:
    for one in wanted:
        refusal = one.product.refusal
        if refusal and refusal.on == on:
            return Reply(refusal.status, {"message": refusal.message})
    return None


def _done(data: Json) -> Reply:
    return Reply(200, {"message": "No Message", "data": data})


def _timestamp(at: datetime) -> Json:
    """A Firestore timestamp."""
    return {"_seconds": int(at.timestamp()), "_nanoseconds": at.microsecond * 1000}
