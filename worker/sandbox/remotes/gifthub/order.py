"""Reading a create call, and the order that comes of it: states, money, cards."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from worker.sandbox.remote import Json
from worker.sandbox.remotes.gifthub.magic import (
    BY_SKU,
    EXPIRED,
    NORMAL,
    PARTIAL,
    PENDING,
    PREFIX,
    SUCCESSFUL,
    Sku,
    Stages,
)
from worker.sandbox.stages import reached

MAX_SKUS: Final = 5
MAX_PER_SKU: Final = 5
MAX_TOTAL: Final = 25
PRODUCT_TYPES: Final = frozenset({"fixed", "range", "time", "custom_fixed"})

FIXED_QUOTE: Final = Decimal(10)
RANGE_MIN, RANGE_MAX, RANGE_STEP = Decimal(5), Decimal(100), Decimal(5)

BASE_CURRENCY: Final = "EUR"
"""Of every product here."""
RATES: Final = {
    "EUR": Decimal(1),
    "USD": Decimal("0.8"),
    "IRT": Decimal("0.00001263583522870862"),
}
"""EUR for one unit of a wallet's currency. A face value costs itself divided by the rate."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a create call is refused."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One entry of a product list, understood."""

    sku: str
    product_type: str
    quote: Decimal
    quantity: int

    @property
    def product(self) -> Sku:
        """What ordering it does."""
        return BY_SKU.get(self.sku, NORMAL)

    @property
    def price(self) -> Decimal:
        """What all of it costs, in the base currency."""
        return self.quote * self.quantity * self.product.surcharge


@dataclass(frozen=True, slots=True)
class Asked:
    """A create call, understood."""

    wanted: list[Wanted]
    wallet: str
    reference: str
    webhook: str | None = field(repr=False)


@dataclass(slots=True)
class Order:
    """One order. It is live from its confirmation on, unless it comes to nothing.

    ``forced`` and ``repriced`` are a state and the price of one card, set by other hands.
    """

    order_id: str
    asked: Asked
    created_at: datetime
    expires_at: datetime
    pace: timedelta = field(repr=False)
    confirmed_at: datetime | None = None
    forced: str | None = None
    repriced: Decimal | None = None

    @property
    def total(self) -> Decimal:
        """What it costs, in the wallet's currency."""
        return sum(map(self.price_of, self.asked.wanted), Decimal(0))

    def price_of(self, wanted: Wanted) -> Decimal:
        """What one entry of it costs, in the wallet's currency."""
        if self.repriced is not None:
            return self.repriced * wanted.quantity
        return priced(wanted.price, self.asked.wallet)

    @property
    def leader(self) -> Sku:
        """The product that decides how the order goes on."""
        products = [wanted.product for wanted in self.asked.wanted]
        return next((product for product in products if product.is_special), products[0])

    @property
    def stages(self) -> Stages:
        """What it goes through once confirmed."""
        return self.leader.stages

    def state(self, now: datetime) -> str:
        """Its state at a time: pending or expired, then that of the last stage reached."""
        if self.forced is not None:
            return self.forced
        if self.confirmed_at is None:
            return EXPIRED if now >= self.expires_at else PENDING
        return reached(self.stages, now - self.confirmed_at, self.pace)

    def redeem_data(self, state: str) -> Json:
        """The cards that are there at a state, by SKU."""
        return {
            wanted.sku: {
                "redeemInstructions": None,
                "cards": [self._card(wanted, n) for n in range(1, _cards(wanted, state) + 1)],
                "currency": BASE_CURRENCY,
                "value": float(wanted.quote),
            }
            for wanted in self.asked.wanted
        }

    def _card(self, wanted: Wanted, number: int) -> Json:
        return {
            "redeemLink": "",
            "redeemCardCode": f"SANDBOX-{self.order_id}-{wanted.sku}-{number}",
            "redeemSerialNumber": f"{number:06d}",
            "redeemPin": "0000",
            "expirationDate": "2036-01-01T00:00:00.0000000",
        }


def priced(amount: Decimal, wallet: str) -> Decimal:
    """A base-currency amount in a wallet's currency: 2 decimals, IRT none, half up (assumed)."""
    digits = Decimal(1) if wallet == "IRT" else Decimal("0.01")
    return (amount / RATES[wallet]).quantize(digits, ROUND_HALF_UP)


def read_create(body: Any) -> Asked | Problem:
    """A create call, or the first thing wrong with it."""
    wanted = read_list(body)
    if isinstance(wanted, Problem):
        return wanted
    match body:
        case {"wallet": str(wallet), "reference": str(reference)}:
            webhook = body.get("webhookUrl")
        case _:
            return Problem(400, "wallet and reference must be strings")
    if not isinstance(webhook, str | None):
        return Problem(400, "webhookUrl must be a string")
    if wallet not in RATES:
        return Problem(500, "Requested exchange not supported")
    return Asked(wanted, wallet, reference, webhook)


def read_list(body: Any) -> list[Wanted] | Problem:
    """The product list of a create call, or the first thing wrong with it."""
    entries = body.get("productList") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not entries:
        return Problem(400, "Product list is not well formatted")
    wanted = [_read_entry(entry) for entry in entries]
    good = [entry for entry in wanted if isinstance(entry, Wanted)]
    if len(good) < len(wanted) or len({entry.sku for entry in good}) < len(good):
        return Problem(400, "Product list is not well formatted")
    quantities = [entry.quantity for entry in good]
    if len(good) > MAX_SKUS or max(quantities) > MAX_PER_SKU or sum(quantities) > MAX_TOTAL:
        return Problem(400, "Product list is bigger than allowed")
    problems = (problem for entry in good if (problem := _problem_with(entry)))
    return next(problems, good)


def _read_entry(entry: Any) -> Wanted | None:
    match entry:
        case {"sku": str(sku), "productType": str(kind), "quote": quote, "quantity": quantity} if (
            kind in PRODUCT_TYPES
            and type(quote) in (int, Decimal)
            and type(quantity) is int
            and quantity >= 1
        ):
            return Wanted(sku, kind, Decimal(quote), quantity)
    return None


def _problem_with(wanted: Wanted) -> Problem | None:
    """Face values are checked for the sandbox's own SKUs; any other may have any positive one."""
    if not wanted.sku.startswith(PREFIX):
        return None if wanted.quote > 0 else Problem(400, "Quote not in range")
    if wanted.sku not in BY_SKU:
        hint = "this sandbox knows those of GET /_sandbox/magic, and any without its prefix"
        return Problem(404, f"Product(s) not found: {hint} {PREFIX!r}")
    if wanted.product_type == "range":
        on_grid = (wanted.quote - RANGE_MIN) % RANGE_STEP == 0
        fits = on_grid and RANGE_MIN <= wanted.quote <= RANGE_MAX
        return None if fits else Problem(400, "Quote not in range")
    return None if wanted.quote == FIXED_QUOTE else Problem(400, "Quote doesn't match SKU")


def _cards(wanted: Wanted, state: str) -> int:
    if state == PARTIAL:
        return wanted.quantity // 2
    return wanted.quantity - wanted.product.missing if state == SUCCESSFUL else 0
