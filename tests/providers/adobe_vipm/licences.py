"""Orders of Adobe's licences, and what each of its documented failures is to come to."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.providers.suite import Means
from tests.providers.trial import Steps, an_order
from worker.lifecycle import Step
from worker.order import Ordered
from worker.outcome import Confirmed, InDoubt, NotSent, RefusalCode, Refused

CUSTOMER_ID: Final = "9876543210"
SUBSCRIPTION: Final = "0123456789abcdef0123456789abcdNA"
QUOTE: Final = {
    "quoted_at": "2026-11-22T10:00:00Z",
    "expires_at": "2096-11-22T10:00:00Z",
    "max_total": "100000",
    "currency": "USD",
}


def licences(*offers: str, quantity: int = 2, **fields: Any) -> Ordered:
    """An order of some licences of each offer; a NEW one in USD where nothing else is said."""
    usual = {"customer_id": CUSTOMER_ID, "order_type": "NEW", "currency": "USD"}
    lines = [{"offer_id": offer, "quantity": quantity} for offer in offers]
    return an_order("adobe_vipm", lines, **usual | fields)


def previewed(*offers: str, **fields: Any) -> Ordered:
    """The same, previewed first."""
    return licences(*offers, **{"preview_first": True, "quote": QUOTE, **fields})


def renewal(*offers: str, order_type: str = "RENEWAL", **fields: Any) -> Ordered:
    """A renewal of one subscription for each offer."""
    usual = {"customer_id": CUSTOMER_ID, "order_type": order_type, "currency": "USD"}
    lines = [
        {"offer_id": offer, "quantity": 2, "subscription_id": SUBSCRIPTION} for offer in offers
    ]
    return an_order("adobe_vipm", lines, **usual | fields)


_NO: Final[Mapping[RefusalCode, str]] = {
    RefusalCode.INVALID: """
        400 1117, 400 1119, 400 1121, 400 1122, 400 1132, 400 1133, 400 1135, 404 2115, 400 2116,
        400 2118, 400 2119, 400 2120, 400 2121, 400 2123, 400 2126, 400 2127, 400 2128, 400 2129,
        400 2130, 400 2131, 400 2132, 400 2133, 400 2136, 400 2137, 404 2138, 400 2139, 400 2140,
        400 2148, 400 2149, 400 2150, 400 2151, 400 2152, 400 2153, 400 2154, 400 2164, 404 3115,
        400 3115, 400 3121, 400 3132, 400 3133, 400 4119, 400 5133,
        422 RETURN_QTY_EXCEEDS_REMAINING, 422 RETURN_NOT_SUPPORTED_MOQ_SKU,
        422 RETURN_NOT_SUPPORTED_SWITCH_ORDER, 422 RETURN_VIOLATES_3YC_MCQ
    """,
    RefusalCode.FORBIDDEN: """
        404 1115, 404 1116, 400 1139, 400 1140, 400 1142, 400 2124, 400 2125, 403 4115, 403 4121,
        gateway 403003
    """,
    RefusalCode.UNKNOWN_PRODUCT: "400 2122, 400 3123",
    RefusalCode.PRICE_CHANGED: """
        400 2141, 400 2142, 400 2144, 400 2145, 400 2146, 400 2147, 400 2166, 400 5135
    """,
    RefusalCode.EXPIRED: "400 2117, 400 2134, 400 3122",
}
_LATER: Final = "400 3131, 429 4118, 400 4120, 400 4122, 400 5122, gateway 429050"
_NEW_TOKEN: Final = "401 4116, 403 4117, gateway 401013, gateway 403010"
_DOUBT: Final = "400 1123, 500 1124, gateway 502003, gateway 503000, gateway 504000"


def _meanings() -> Iterator[tuple[str, Means]]:
    for code, names in _NO.items():
        yield from ((name, Means(Refused, code)) for name in _listed(names))
    yield from ((name, Means(NotSent)) for name in _listed(_LATER))
    yield from ((name, Means(NotSent, token_rejected=True)) for name in _listed(_NEW_TOKEN))
    yield from ((name, Means(InDoubt)) for name in _listed(_DOUBT))


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


_REASON_TO_ASK_AGAIN: Final = {
    **dict.fromkeys(_listed("401 4116, 403 4117, gateway 401013, gateway 403010"), True),
    **dict.fromkeys(_listed("429 4118, 400 4120, gateway 429050"), False),
}


def _questions() -> Iterator[tuple[tuple[str, str], Means]]:
    """A question that is refused was not answered: that is no word about an order."""
    asked = (
        "400 1132, 400 1133, 404 1115, 404 1116, 404 2115, 400 2148, 403 4115, 403 4121, "
        "400 4119, gateway 403003"
    )
    for operation, without in (("list", {"404 2115", "400 2148"}), ("get", _OF_LISTS)):
        names = {*_listed(f"{asked}, {_DOUBT}"), *_REASON_TO_ASK_AGAIN}
        for name in names - without - {"400 1123"}:
            rejected = _REASON_TO_ASK_AGAIN.get(name)
            again = Means(NotSent, token_rejected=bool(rejected))
            yield (operation, name), Means(InDoubt) if rejected is None else again


_OF_LISTS: Final = {"400 1132", "400 1133", "404 1115", "404 1116"}

_LOGIN: Final = (
    "invalid_request, unsupported_grant_type, invalid_scope, invalid_client, unauthorized_client, "
    "too_many_requests"
)
_CHECK: Final = {
    "403 4115": Means(Refused, RefusalCode.FORBIDDEN),
    "403 4121": Means(Refused, RefusalCode.FORBIDDEN),
    "gateway 403003": Means(Refused, RefusalCode.FORBIDDEN),
    "401 4116": Means(NotSent, token_rejected=True),
    "403 4117": Means(NotSent, token_rejected=True),
    "gateway 401013": Means(NotSent, token_rejected=True),
    "gateway 403010": Means(NotSent, token_rejected=True),
    "429 4118": Means(NotSent),
    "gateway 429050": Means(NotSent),
    **dict.fromkeys(_listed(_DOUBT.replace("400 1123, ", "")), Means(InDoubt)),
}

DOCUMENTED: Final[Mapping[tuple[str, str], Means]] = {
    **{
        (operation, name): means
        for operation in ("create", "preview", "return")
        for name, means in _meanings()
    },
    ("return", "400 2118"): Means(Confirmed),  # the goal of calling it off is reached
    **dict(_questions()),
    **{("ping", name): means for name, means in _CHECK.items()},
    **{("login", name): Means(NotSent) for name in _listed(_LOGIN)},
}

PREVIEWED: Final[Steps] = {Step.PLACE: "preview", Step.CONFIRM: "create"}
"""The calls of an order that is previewed first."""
CANCELLING: Final = "return"
