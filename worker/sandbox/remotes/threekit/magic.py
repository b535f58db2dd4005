"""What each ``configurationId`` makes happen. Any other is recorded, and stays "New"."""

from dataclasses import dataclass
from typing import Final

from worker.sandbox.faults import Fault
from worker.sandbox.remote import Documented, Magic, Reply

PREFIX: Final = "sandbox-"

LIST: Final = "List"
IN_CART: Final = "In Cart"
NEW: Final = "New"
IN_PROGRESS: Final = "In Progress"
COMPLETE: Final = "Complete"
STATUSES: Final = (LIST, IN_CART, NEW, IN_PROGRESS, COMPLETE)

Stages = tuple[tuple[float, str], ...]
"""Statuses that an order moves to by itself, with the time of each, in paces after its creation."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What the answer to a create leaves out, of an order that is recorded all the same."""

    id: bool = False
    cart: bool = False
    metadata: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(Magic):
    """One saved configuration.

    ``copies`` is how many orders one create makes; ``listed_after`` how many paces the list lags
    behind. ``loses_cart``: the order is recorded with an empty one.
    """

    stages: Stages = ()
    refusal: int | None = None
    hidden: Hidden = Hidden()
    copies: int = 1
    listed_after: float = 0
    loses_cart: bool = False


REFUSALS: Final = {
    400: "Malformed body",
    401: "Not authenticated",
    403: "Not entitled",
    404: "Configuration not found",
    413: "Body too large",
    422: "name is longer than 255 characters",
    429: "Too many requests",
    500: "Internal server error",
}
"""The page's statuses. What a body says is not documented: these words are the sandbox's own."""


def said(status: int, message: str) -> Reply:
    """A failure; its shape is assumed."""
    return Reply(status, {"message": message})


DOCUMENTED: Final = tuple(
    Documented("create", str(status), said(status, message)) for status, message in REFUSALS.items()
)


def _faulty(name: str, story: str, fault: Fault, times: int = 1) -> Configuration:
    return Configuration(value=PREFIX + name, story=story, fault=fault, times=times)


def _refused(status: int) -> Configuration:
    return Configuration(
        value=f"{PREFIX}{status}", story=f"create: {status}, for good", refusal=status
    )


_FIRST: Final = "the first create with a clientOrderKey"

NORMAL: Final = Configuration(value="sandbox-ok", story="recorded, and New for ever")

_RECORDED: Final = (
    NORMAL,
    Configuration(
        value="sandbox-worked-on",
        story="New, In Progress after one pace, Complete after two",
        stages=((1, IN_PROGRESS), (2, COMPLETE)),
    ),
    Configuration(
        value="sandbox-complete", story="Complete when it is created", stages=((0, COMPLETE),)
    ),
    Configuration(
        value="sandbox-draft",
        story="somebody takes it back into a cart after one pace; Complete after two",
        stages=((1, IN_CART), (2, COMPLETE)),
    ),
    Configuration(
        value="sandbox-odd-status",
        story='a status nobody documented ("On Hold") for one pace, then Complete',
        stages=((0, "On Hold"), (1, COMPLETE)),
    ),
    Configuration(
        value="sandbox-empty-cart",
        story="recorded with an empty cart, and answered so: the silent failure of old items",
        loses_cart=True,
    ),
    Configuration(
        value="sandbox-cart-hidden",
        story="recorded whole, yet answered with an empty cart",
        hidden=Hidden(cart=True),
    ),
    Configuration(
        value="sandbox-no-id", story="recorded, yet answered without an id", hidden=Hidden(id=True)
    ),
    Configuration(
        value="sandbox-no-metadata",
        story="recorded, yet answered without its metadata",
        hidden=Hidden(metadata=True),
    ),
    Configuration(
        value="sandbox-twice",
        story="recorded twice by one create that is then cut (FIN): two orders bear one key",
        copies=2,
        fault=Fault.CUT_AFTER,
    ),
    Configuration(
        value="sandbox-listed-late",
        story="recorded, cut (FIN), and missing from the list for one pace",
        fault=Fault.CUT_AFTER,
        listed_after=1,
    ),
)

_FAULTY: Final = (
    _faulty("cut", f"{_FIRST} is executed, then cut (FIN)", Fault.CUT_AFTER),
    _faulty("cut-before", f"{_FIRST} is cut (FIN), unexecuted", Fault.CUT_BEFORE),
    _faulty("reset", f"{_FIRST} is executed, then reset (RST)", Fault.RESET_AFTER),
    _faulty("reset-before", f"{_FIRST} is reset (RST), unexecuted", Fault.RESET_BEFORE),
    _faulty("hang", f"{_FIRST} is executed, never answered", Fault.HANG_AFTER),
    _faulty("hang-before", f"{_FIRST} is never answered, unexecuted", Fault.HANG_BEFORE),
    _faulty("500-once", f"{_FIRST}: 500, unexecuted", Fault.ERROR_500_BEFORE),
    _faulty("500-executed", f"{_FIRST} is executed, yet answered 500", Fault.ERROR_500_AFTER),
    _faulty("404-executed", f"{_FIRST} is executed, yet answered 404", Fault.NOT_FOUND_404_AFTER),
    _faulty("503", f"{_FIRST}: 503, unexecuted", Fault.UNAVAILABLE_503),
    _faulty("garbage", f"{_FIRST} is executed, the answer is not JSON", Fault.GARBAGE_AFTER),
    _faulty("502", f"{_FIRST}: 502 by a proxy, in HTML, unexecuted", Fault.HTML_ERROR_PAGE),
    _faulty(
        "504",
        f"{_FIRST} is executed, yet a proxy answers 504 in HTML",
        Fault.GATEWAY_TIMEOUT_504,
    ),
    _faulty("401-once", f"{_FIRST}: 401, unexecuted", Fault.UNAUTHORIZED_401),
    _faulty(
        "429-twice",
        "the first two creates with a clientOrderKey: 429 with Retry-After in seconds",
        Fault.THROTTLED_429,
        2,
    ),
    _faulty("429-date", f"{_FIRST}: 429 with Retry-After as a date", Fault.THROTTLED_429_DATE),
    _faulty("late", f"{_FIRST} is answered one pace later", Fault.LATE_ANSWER),
    _faulty("drip", f"{_FIRST} is answered byte by byte", Fault.SLOW_DRIP),
)

CONFIGURATIONS: Final = (*_RECORDED, *map(_refused, REFUSALS), *_FAULTY)
BY_ID: Final = {str(one.value): one for one in CONFIGURATIONS}
