"""What each offer makes happen. A well-formed offer id of Adobe's is simply delivered."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from worker.sandbox.faults import Fault
from worker.sandbox.remote import Magic
from worker.sandbox.remotes.adobe_vipm.documented import CREATE, MESSAGES, PREVIEW

PREFIX: Final = "sandbox-"
REAL: Final = re.compile(r"[0-9]{8}[A-Z]{2}[0-9]{2}A12")
"""An offer id like ``80004567EA01A12``."""

COMPLETE: Final = "1000"
OPEN: Final = "1002"
FAILED: Final = "1004"
RETURNED: Final = "1008"
LOST: Final = frozenset({FAILED, RETURNED, "1010", "1020", "1022", "1024", "1026"})
"""Statuses in which a line costs nothing."""

Stages = tuple[tuple[float, str], ...]
"""Statuses of a line with the time of each, in paces after it was ordered."""

_AT_ONCE: Final[Stages] = ((0, COMPLETE),)
_LATER: Final[Stages] = ((0, OPEN), (1, COMPLETE))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A failure of the operations ``on``, the first ``times`` an order asks (0: every time).

    ``executes`` says that the order was made all the same.
    """

    code: str
    detail: str | None = None
    on: frozenset[str] = frozenset({CREATE, PREVIEW})
    times: int = 0
    executes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Magic):
    """One offer. ``price`` is of one licence for the full term.

    ``becomes`` is the offer that a preview returns for it, ``stages`` and ``returned`` are what an
    ordered line and a RETURN of it go through. It is listed ``listed_after`` paces.
    """

    price: Decimal = Decimal("365.00")
    refusal: Refusal | None = None
    stages: Stages = _AT_ONCE
    returned: Stages = _AT_ONCE
    becomes: str | None = None
    listed_after: float = 0


NORMAL: Final = Offer(value="sandbox-ok", story="complete (1000) at once; 365.00 a licence")


def _staged(name: str, story: str, *stages: tuple[float, str]) -> Offer:
    return Offer(value=PREFIX + name, story=story, stages=stages)


def _faulty(name: str, story: str, fault: Fault, on: str = CREATE, times: int = 1) -> Offer:
    return Offer(value=PREFIX + name, story=story, fault=fault, on=on, times=times)


def _refused(name: str, code: str, detail: str | None = None, times: int = 0) -> Offer:
    status, message = MESSAGES[code]
    often = "the first time, with each of preview and order" if times else "always"
    story = f"{status} {code} ({message}), {often}"
    return Offer(value=PREFIX + name, story=story, refusal=Refusal(code, detail, times=times))


_SELLING: Final = (
    NORMAL,
    _staged("slow", "open (1002), complete one pace later", *_LATER),
    _staged("never", "open (1002) for ever", (0, OPEN)),
    _staged("fails", "open, failed (1004) one pace later", (0, OPEN), (1, FAILED)),
    _staged("failed", "failed (1004) at once", (0, FAILED)),
    _staged("address", "open, 1010 one pace later", (0, OPEN), (1, "1010")),
    _staged("distributor", "open, 1020 one pace later", (0, OPEN), (1, "1020")),
    _staged("reseller", "open, 1022 one pace later", (0, OPEN), (1, "1022")),
    _staged("customer", "open, 1024 one pace later", (0, OPEN), (1, "1024")),
    _staged("customer-id", "open, 1026 one pace later", (0, OPEN), (1, "1026")),
    _staged("odd-status", "1099 for one pace, then complete", (0, "1099"), (1, COMPLETE)),
    Offer(value="sandbox-dear", story="1,000,000.00 a licence", price=Decimal("1000000.00")),
    Offer(value="sandbox-cents", story="24.655 a licence", price=Decimal("24.655")),
    Offer(
        value="sandbox-level-01",
        story="350.00 a licence; a preview raises it to sandbox-level-02",
        price=Decimal("350.00"),
        becomes="sandbox-level-02",
    ),
    Offer(
        value="sandbox-level-02",
        story="300.00 a licence, the level that the customer has",
        price=Decimal("300.00"),
    ),
    Offer(
        value="sandbox-level-03",
        story="a preview lowers it to sandbox-level-02; ordered as it is: 400 2129",
        becomes="sandbox-level-02",
        refusal=Refusal("2129", "CUSTOMER_NOT_ELIGIBLE_FOR_PURCHASE", frozenset({CREATE})),
    ),
    Offer(
        value="sandbox-expired-product",
        story="the preview of a renewal says 1004: it will not renew",
        stages=((0, FAILED),),
    ),
    Offer(
        value="sandbox-listed-late",
        story="the first order is executed, then cut; the list shows it one pace later",
        fault=Fault.CUT_AFTER,
        on=CREATE,
        listed_after=1,
    ),
    Offer(value="sandbox-return-slow", story="a RETURN takes one pace", returned=_LATER),
    Offer(
        value="sandbox-return-fails",
        story="a RETURN is open, failed one pace later",
        returned=((0, OPEN), (1, FAILED)),
    ),
)

_REFUSED: Final = (
    _refused("not-found", "2122"),
    _refused("ineligible", "2129", "INELIGIBLE_MARKET_SEGMENT"),
    _refused("quantity", "2120"),
    _refused("discount", "2141", "NOT_QUALIFIED"),
    _refused("global", "1140"),
    _refused("renewing", "3131"),
    _refused("processing-once", "4122", times=1),
    _refused("unavailable-once", "5122", times=1),
    Offer(
        value="sandbox-500-stored",
        story="the first order: 500 1124, unexecuted, and stored with its correlation id",
        refusal=Refusal("1124", on=frozenset({CREATE}), times=1),
    ),
    Offer(
        value="sandbox-500-executed",
        story="the first order is executed, yet 500 1124 is stored with its correlation id",
        refusal=Refusal("1124", on=frozenset({CREATE}), times=1, executes=True),
    ),
)

_FIRST: Final = "the first order"

_FAULTY: Final = (
    _faulty("cut", f"{_FIRST} is executed, then cut", Fault.CUT_AFTER),
    _faulty("cut-before", f"{_FIRST} is cut, unexecuted", Fault.CUT_BEFORE),
    _faulty("reset", f"{_FIRST} is executed, then reset", Fault.RESET_AFTER),
    _faulty("hang", f"{_FIRST} is executed, never answered", Fault.HANG_AFTER),
    _faulty("hang-before", f"{_FIRST} is never answered, unexecuted", Fault.HANG_BEFORE),
    _faulty("garbage", f"{_FIRST} is executed, the answer is not JSON", Fault.GARBAGE_AFTER),
    _faulty("504", f"{_FIRST} is executed, a proxy answers 504", Fault.GATEWAY_TIMEOUT_504),
    _faulty("503", f"{_FIRST}: 503 of the gateway, unexecuted", Fault.UNAVAILABLE_503),
    _faulty("401", f"{_FIRST}: 401, its token dies", Fault.UNAUTHORIZED_401),
    _faulty("429", f"{_FIRST}: 429 with Retry-After", Fault.THROTTLED_429),
    _faulty("drip", f"{_FIRST} is answered byte by byte", Fault.SLOW_DRIP),
    _faulty("preview-cut", "the first preview is cut", Fault.CUT_AFTER, PREVIEW),
    _faulty("preview-429", "the first preview: 429", Fault.THROTTLED_429, PREVIEW),
)

OFFERS: Final[tuple[Offer, ...]] = (*_SELLING, *_REFUSED, *_FAULTY)
BY_ID: Final = {str(offer.value): offer for offer in OFFERS}


def offer_of(offer_id: str) -> Offer | None:
    """What ordering an offer does; ``None`` where there is none such."""
    return BY_ID.get(offer_id) or (NORMAL if REAL.fullmatch(offer_id) else None)
