"""What each ``CustomerStoreProductID`` makes happen. Every other positive id is like 1."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from worker.sandbox.faults import Fault
from worker.sandbox.remote import Magic

CANCELLED: Final = 0
DELIVERED: Final = 1
PROCESSING: Final = 2
TAKEN_OUT: Final = 3

LIST_PRICE: Final = Decimal("19.90")
RAISED_PRICE: Final = Decimal("24.90")

Stages = tuple[tuple[float, int], ...]
"""Statuses of a line with the time of each, in paces after the order was taken."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no. With a ``reason`` the line is named in ``items``, without one it is not."""

    status: int
    message: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Magic):
    """One product of the tenant's store.

    ``told`` is what callbacks say and when, if that differs from ``stages``. ``missing`` is how
    many codes fall short; ``listed_after`` how many paces the list lags behind.
    ``cancelled_after`` is how many paces after the wish a line is called off; ``None``: never.
    """

    refusal: Refusal | None = None
    stages: Stages = ((0, DELIVERED),)
    told: Stages | None = None
    price: Decimal = LIST_PRICE
    missing: int = 0
    listed_after: float = 0
    cancelled_after: float | None = 0
    details_shown: bool = True
    camel_case: bool = False

    @property
    def callbacks(self) -> Stages:
        """What callbacks say: every status but the "being processed" an order begins with."""
        if self.told is not None:
            return self.told
        return tuple(stage for stage in self.stages if stage != (0, PROCESSING))


_LATER: Final[Stages] = ((0, PROCESSING), (1, DELIVERED))
_NEVER: Final[Stages] = ((0, PROCESSING),)
_OUT_OF_STOCK: Final = "out of stock"

NORMAL: Final = Product(value=1, story="delivered at once")

PRODUCTS: Final[tuple[Product, ...]] = (
    NORMAL,
    Product(
        value=2,
        story="refused, HTTP 200: out of stock",
        refusal=Refusal(200, "Basket refused", _OUT_OF_STOCK),
    ),
    Product(
        value=3,
        story="refused, HTTP 200: price changed",
        refusal=Refusal(200, "Basket refused", "price changed"),
    ),
    Product(
        value=4,
        story="refused, HTTP 400, as an invalid payload: no items",
        refusal=Refusal(400, "Invalid payload"),
    ),
    Product(value=5, story="processed at first, delivered one pace later", stages=_LATER),
    Product(
        value=6,
        story="processed at first, cancelled one pace later; the price is refunded",
        stages=((0, PROCESSING), (1, CANCELLED)),
    ),
    Product(value=7, story="delivered, with one code fewer than ordered", missing=1),
    Product(
        value=8,
        story="executed, then the connection is cut (FIN) without an answer",
        fault=Fault.CUT_AFTER,
        times=0,
    ),
    Product(
        value=9,
        story="cut (FIN) unexecuted, the first time for a DeliverID",
        fault=Fault.CUT_BEFORE,
    ),
    Product(value=10, story="executed, and never answered", fault=Fault.HANG_AFTER, times=0),
    Product(value=11, story="executed, and answered 500", fault=Fault.ERROR_500_AFTER, times=0),
    Product(
        value=12,
        story="500 unexecuted, the first time for a DeliverID",
        fault=Fault.ERROR_500_BEFORE,
    ),
    Product(
        value=13,
        story="429 with Retry-After in seconds, the first two times for a DeliverID",
        fault=Fault.THROTTLED_429,
        times=2,
    ),
    Product(
        value=14,
        story="executed, and answered success with empty details",
        details_shown=False,
    ),
    Product(
        value=15,
        story="executed, and answered with something that is not JSON",
        fault=Fault.GARBAGE_AFTER,
        times=0,
    ),
    Product(
        value=16,
        story="executed, then the connection is reset (RST)",
        fault=Fault.RESET_AFTER,
        times=0,
    ),
    Product(
        value=17,
        story=f"delivered, but {RAISED_PRICE} is charged instead of {LIST_PRICE}",
        price=RAISED_PRICE,
    ),
    Product(
        value=18,
        story="executed, cut (FIN), and missing from the order list for one pace",
        fault=Fault.CUT_AFTER,
        times=0,
        listed_after=1,
    ),
    Product(
        value=19,
        story="reset (RST) unexecuted, the first time for a DeliverID",
        fault=Fault.RESET_BEFORE,
    ),
    Product(
        value=20,
        story="never answered and unexecuted, the first time for a DeliverID",
        fault=Fault.HANG_BEFORE,
    ),
    Product(
        value=21,
        story="503 unexecuted, the first time for a DeliverID",
        fault=Fault.UNAVAILABLE_503,
    ),
    Product(
        value=22,
        story="executed, and answered 504 by a proxy, in HTML",
        fault=Fault.GATEWAY_TIMEOUT_504,
        times=0,
    ),
    Product(
        value=23,
        story="401 and the token dies, unexecuted, the first time for a DeliverID",
        fault=Fault.UNAUTHORIZED_401,
    ),
    Product(
        value=24,
        story="502 by a proxy, in HTML, unexecuted, the first time for a DeliverID",
        fault=Fault.HTML_ERROR_PAGE,
    ),
    Product(
        value=25,
        story="executed; the answer comes byte by byte",
        fault=Fault.SLOW_DRIP,
        times=0,
    ),
    Product(
        value=26,
        story="processed, taken out of processing after one pace, delivered after two",
        stages=((0, PROCESSING), (1, TAKEN_OUT), (2, DELIVERED)),
    ),
    Product(
        value=27,
        story="delivered at once, and the callback comes twice",
        told=((0, DELIVERED), (0, DELIVERED)),
    ),
    Product(
        value=28,
        story="delivered at once; one pace later a stale callback says it is being processed",
        told=((0, DELIVERED), (1, PROCESSING)),
    ),
    Product(
        value=29,
        story="executed at once, answered one pace later: the callback comes first",
        fault=Fault.LATE_ANSWER,
        times=0,
    ),
    Product(
        value=30, story="delivered after one pace, and no callback ever", stages=_LATER, told=()
    ),
    Product(
        value=31,
        story="refused, HTTP 400, with items: out of stock",
        refusal=Refusal(400, "Basket refused", _OUT_OF_STOCK),
    ),
    Product(
        value=32,
        story="refused, HTTP 200, in Turkish: out of stock",
        refusal=Refusal(200, "Sepet reddedildi", "stokta yok"),
    ),
    Product(
        value=33,
        story="refused, HTTP 200: the balance is too low",
        refusal=Refusal(200, "Insufficient balance"),
    ),
    Product(value=34, story="403: forbidden", refusal=Refusal(403, "Forbidden")),
    Product(
        value=35,
        story="404: the tenant's API integration is off",
        refusal=Refusal(404, "API integration is disabled"),
    ),
    Product(
        value=36,
        story="delivered at once, and answered in camelCase, as live tenants do",
        camel_case=True,
    ),
    Product(
        value=37,
        story="429 with Retry-After as a date, the first time for a DeliverID",
        fault=Fault.THROTTLED_429_DATE,
    ),
    Product(
        value=38,
        story="processed for ever: it never ends, unless it is called off",
        stages=_NEVER,
    ),
    Product(
        value=39,
        story="processed for ever; calling it off is answered with success, and never happens",
        stages=_NEVER,
        cancelled_after=None,
    ),
    Product(
        value=40,
        story="processed for ever; called off one pace after that was asked for",
        stages=_NEVER,
        cancelled_after=1,
    ),
    Product(
        value=41,
        story="processed for ever; calling it off is executed, then cut (FIN)",
        stages=_NEVER,
        fault=Fault.CUT_AFTER,
        on="cancel",
        times=0,
    ),
    Product(
        value=42,
        story="processed for ever; calling it off is cut (FIN) unexecuted, the first time",
        stages=_NEVER,
        fault=Fault.CUT_BEFORE,
        on="cancel",
    ),
    Product(
        value=43,
        story="executed; status, headers and half of the answer come, then it is cut (FIN)",
        fault=Fault.CUT_MID_AFTER,
        times=0,
    ),
)

BY_ID: Final = {product.value: product for product in PRODUCTS}
