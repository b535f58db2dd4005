"""What each of Adobe's error codes means for a call of ours, as data.

Rows are those of the "Error handling" page and of the flexible discounts' error codes, as far as
they can answer an order. A code that is not here, in a body that can be read, is a no of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from worker.outcome import RefusalCode


@dataclass(frozen=True, slots=True)
class No:
    """An explicit no: nothing was ordered."""

    code: RefusalCode


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing was ordered, and the same may be asked again after a while."""

    reason: str
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """Nothing was ordered: our access token is not good any more."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """It does not say whether the order was carried out."""


Meaning = No | Later | NewToken | Unsure

SOON: Final = timedelta(seconds=30)
"""After "already being processed" and "currently unavailable"; the pages name no time (assumed)."""
MUCH_LATER: Final = timedelta(hours=1)
"""While an early renewal is in progress (assumed)."""

PAST_THE_END: Final = "1133"
"""A list was asked for from an offset on that it does not reach."""
ALREADY_RETURNED: Final = "2118"
"""The goal of calling an order off is reached."""

_NOES: Final[Mapping[RefusalCode, str]] = {
    RefusalCode.INVALID: (
        "1117 1119 1121 1122 1132 1133 1135 2115 2116 2118 2119 2120 2121 2123 2126 2127 2128 2129 "
        "2130 2131 2132 2133 2136 2137 2138 2139 2140 2148 2149 2150 2151 2152 2153 2154 2164 "
        "3115 3121 3132 3133 4119 5133 "
        "RETURN_QTY_EXCEEDS_REMAINING RETURN_NOT_SUPPORTED_MOQ_SKU "
        "RETURN_NOT_SUPPORTED_SWITCH_ORDER RETURN_VIOLATES_3YC_MCQ"
    ),
    # Not for this account: its set-up has to be mended, not the order.
    RefusalCode.FORBIDDEN: "1115 1116 1139 1140 1142 2124 2125 4115 4121",
    RefusalCode.UNKNOWN_PRODUCT: "2122 3123",
    # A discount is not to be had: without its code the price is another.
    RefusalCode.PRICE_CHANGED: "2141 2142 2144 2145 2146 2147 2166 5135",
    # The window of a return or of a renewal is closed.
    RefusalCode.EXPIRED: "2117 2134 3122",
}


def _noes() -> Iterable[tuple[str, Meaning]]:
    return ((code, No(why)) for why, codes in _NOES.items() for code in codes.split())


MEANINGS: Final[Mapping[str, Meaning]] = {
    **dict(_noes()),
    # Retired. Would it come all the same, an order bears our reference: a look-up tells which.
    "1123": Unsure(),
    "1124": Unsure(),
    "3131": Later("an early renewal is in progress", MUCH_LATER),
    "4116": NewToken(),
    "4117": NewToken(),
    "4118": Later("throttled"),
    "4120": Later("the request id was used before"),
    "4122": Later("the order is being processed already", SOON),
    "5122": Later("orders cannot be placed at present", SOON),
}
"""Every documented code. 4122 and 5122 come with a 400 and pass by themselves."""
