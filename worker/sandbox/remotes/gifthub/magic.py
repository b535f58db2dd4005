"""What each SKU makes happen. A SKU that does not begin with ``sandbox-`` is simply delivered."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from worker.sandbox.faults import Fault
from worker.sandbox.remote import Magic

PREFIX: Final = "sandbox-"

PENDING: Final = "pending"
EXPIRED: Final = "expired"
CONFIRMED: Final = "confirmed"
SUCCESSFUL: Final = "successful"
PARTIAL: Final = "partial"
FAILED: Final = "failed"
REJECTED: Final = "rejected"

Stages = tuple[tuple[float, str], ...]
"""States of an order with the time of each, in paces after it was confirmed."""

_LATER: Final[Stages] = ((0, CONFIRMED), (1, SUCCESSFUL))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no, of the operation ``on``."""

    status: int
    message: str
    on: str = "create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku(Magic):
    """One variant.

    ``told`` is what webhooks say and when, if that differs from ``stages``. ``missing`` is how
    many cards fall short at the end; ``surcharge`` multiplies the price of the face value.
    """

    refusal: Refusal | None = None
    stages: Stages = ((0, SUCCESSFUL),)
    told: Stages | None = None
    window: float | None = None
    missing: int = 0
    surcharge: Decimal = Decimal(1)
    redeem_data_in_get: bool = True

    @property
    def is_special(self) -> bool:
        """Whether it decides how an order with several SKUs goes on."""
        return self.stages != NORMAL.stages or self.told is not None or self.window is not None


NORMAL: Final = Sku(value="sandbox-ok-fixed", story="face value 10; successful once confirmed")


def _refused(name: str, story: str, status: int, message: str, on: str = "create") -> Sku:
    return Sku(value=PREFIX + name, story=story, refusal=Refusal(status, message, on))


def _faulty(name: str, story: str, fault: Fault, on: str, times: int = 1) -> Sku:
    return Sku(value=PREFIX + name, story=story, fault=fault, on=on, times=times)


def _staged(name: str, story: str, *stages: tuple[float, str]) -> Sku:
    return Sku(value=PREFIX + name, story=story, stages=stages)


_SELLING: Final = (
    NORMAL,
    Sku(value="sandbox-ok-range", story="face value 5 to 100 in steps of 5; otherwise the same"),
    Sku(value="sandbox-ok-time", story="productType time; face value 10; otherwise the same"),
    Sku(value="sandbox-ok-custom", story="productType custom_fixed; face value 10; the same"),
    Sku(value="sandbox-slow", story="confirmed at first, successful one pace later", stages=_LATER),
    _staged("forever", "confirmed for ever: it never ends", (0, CONFIRMED)),
    _staged(
        "partial",
        "partial (half the cards) one pace after the confirmation, successful after two",
        (0, CONFIRMED),
        (1, PARTIAL),
        (2, SUCCESSFUL),
    ),
    _staged("partial-final", "partial (half the cards), and nothing more", (0, PARTIAL)),
    _staged("failed", "confirmed, failed one pace later", (0, CONFIRMED), (1, FAILED)),
    _staged("rejected", "confirmed, rejected one pace later", (0, CONFIRMED), (1, REJECTED)),
    _staged(
        "odd-state",
        'a state nobody documented ("reviewing") for one pace, then successful',
        (0, "reviewing"),
        (1, SUCCESSFUL),
    ),
    Sku(
        value="sandbox-cards-short", story="successful, with one card fewer than ordered", missing=1
    ),
    Sku(
        value="sandbox-price-raised",
        story="the invoice is a quarter above the face value",
        surcharge=Decimal("1.25"),
    ),
    Sku(
        value="sandbox-get-without-codes",
        story="redeem data comes by webhook only",
        redeem_data_in_get=False,
    ),
    Sku(
        value="sandbox-webhook-twice",
        story="successful, and the webhook comes twice",
        told=((0, SUCCESSFUL), (0, SUCCESSFUL)),
    ),
    Sku(
        value="sandbox-webhook-reversed",
        story="successful; one pace later a stale webhook says partial",
        told=((0, SUCCESSFUL), (1, PARTIAL)),
    ),
    Sku(
        value="sandbox-no-webhook",
        story="successful after one pace, silently",
        stages=_LATER,
        told=(),
    ),
    Sku(value="sandbox-expire-fast", story="the price is frozen for 3 seconds only", window=3.0),
)

_REFUSED: Final = (
    _refused("out-of-stock", "create: 500, out of stock", 500, "Item out of stock"),
    _refused(
        "exchange-500",
        "create: 500, exchange not supported",
        500,
        "Requested exchange not supported",
    ),
    _refused("quote-mismatch", "create: 400, another face value", 400, "Quote doesn't match SKU"),
    _refused("not-found", "create: 404, no such product", 404, "Product(s) not found"),
    _refused("no-funds", "create: 400, too little money", 400, "Insufficient wallet funds"),
    _refused("403", "create: 403, credentials", 403, "Invalid credentials"),
    _refused(
        "confirm-no-funds",
        "confirm: 400, too little money",
        400,
        "Insufficient wallet funds",
        "confirm",
    ),
    _refused("419", "confirm: 419, expired, however early", 419, "Expired", "confirm"),
    _refused("confirm-403", "confirm: 403, credentials", 403, "Invalid credentials", "confirm"),
)

_FIRST_CREATE: Final = "the first create with a reference"
_FIRST_CONFIRM: Final = "the first confirm of an order"

_FAULTY: Final = (
    _faulty("create-cut", f"{_FIRST_CREATE} is executed, then cut", Fault.CUT_AFTER, "create"),
    _faulty(
        "create-hang", f"{_FIRST_CREATE} is executed, never answered", Fault.HANG_AFTER, "create"
    ),
    _faulty("create-500", f"{_FIRST_CREATE}: 500, unexecuted", Fault.ERROR_500_BEFORE, "create"),
    _faulty(
        "create-garbage",
        f"{_FIRST_CREATE} is executed, the answer is not JSON",
        Fault.GARBAGE_AFTER,
        "create",
    ),
    _faulty(
        "429",
        "the first two creates with a reference: 429 with Retry-After in seconds",
        Fault.THROTTLED_429,
        "create",
        2,
    ),
    _faulty(
        "429-date",
        f"{_FIRST_CREATE}: 429 with Retry-After as a date",
        Fault.THROTTLED_429_DATE,
        "create",
    ),
    _faulty("confirm-cut", f"{_FIRST_CONFIRM} is executed, then cut", Fault.CUT_AFTER, "confirm"),
    _faulty(
        "confirm-cut-before",
        f"{_FIRST_CONFIRM} is cut, unexecuted",
        Fault.CUT_BEFORE,
        "confirm",
    ),
    _faulty(
        "confirm-reset", f"{_FIRST_CONFIRM} is executed, then reset", Fault.RESET_AFTER, "confirm"
    ),
    _faulty(
        "confirm-hang",
        f"{_FIRST_CONFIRM} is executed, never answered",
        Fault.HANG_AFTER,
        "confirm",
    ),
    _faulty(
        "confirm-hang-before",
        f"{_FIRST_CONFIRM} is never answered, unexecuted",
        Fault.HANG_BEFORE,
        "confirm",
    ),
    _faulty(
        "confirm-500",
        f"{_FIRST_CONFIRM}: 500, unexecuted",
        Fault.ERROR_500_BEFORE,
        "confirm",
    ),
    _faulty(
        "confirm-500-executed",
        f"{_FIRST_CONFIRM} is executed, yet answered 500",
        Fault.ERROR_500_AFTER,
        "confirm",
    ),
    _faulty(
        "confirm-404-when-done",
        f"{_FIRST_CONFIRM} is executed, yet answered 404",
        Fault.NOT_FOUND_404_AFTER,
        "confirm",
    ),
    _faulty(
        "confirm-garbage",
        f"{_FIRST_CONFIRM} is executed, the answer is not JSON",
        Fault.GARBAGE_AFTER,
        "confirm",
    ),
    _faulty(
        "confirm-504",
        f"{_FIRST_CONFIRM} is executed, yet a proxy answers 504 in HTML",
        Fault.GATEWAY_TIMEOUT_504,
        "confirm",
    ),
    _faulty("confirm-503", f"{_FIRST_CONFIRM}: 503, unexecuted", Fault.UNAVAILABLE_503, "confirm"),
    _faulty("confirm-429", f"{_FIRST_CONFIRM}: 429", Fault.THROTTLED_429, "confirm"),
    _faulty(
        "confirm-late",
        f"{_FIRST_CONFIRM} is answered one pace later: the webhook comes first",
        Fault.LATE_ANSWER,
        "confirm",
    ),
    _faulty(
        "confirm-drip",
        f"{_FIRST_CONFIRM} is answered byte by byte",
        Fault.SLOW_DRIP,
        "confirm",
    ),
)

SKUS: Final[tuple[Sku, ...]] = (*_SELLING, *_REFUSED, *_FAULTY)
BY_SKU: Final = {sku.value: sku for sku in SKUS}
