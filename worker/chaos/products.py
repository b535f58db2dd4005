"""What is ordered: every magic product of the sandbox that can come to rest, and ordinary ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from worker.demo.asks import (
    Ask,
    Body,
    adobe,
    adobe_preview,
    adobe_previewed,
    feedback,
    gifthub,
    hyperteknoloji,
    threekit,
)
from worker.sandbox import magic_values

ORDINARY_SHARE: Final = 0.5
"""How many of the orders are for something that just works: most of the world does."""

ENDLESS: Final[Mapping[str, frozenset[Any]]] = {"hyperteknoloji": frozenset({38, 40, 41, 42})}
"""Ordered only together with a wish to call them off: else they are processed for ever."""

LEFT_OUT: Final[Mapping[str, frozenset[Any]]] = {
    # Called off with success, and still processed for ever.
    "hyperteknoloji": frozenset({39}),
    # Never ends, and no way to call it off is documented.
    "gifthub": frozenset({"sandbox-forever", "sandbox-partial-final"}),
    # Open for ever; and what only previews of renewals, or returns, are about.
    "adobe_vipm": frozenset({"sandbox-never", "sandbox-expired-product"}),
    # The remote's own doubling.
    "threekit": frozenset({"sandbox-twice"}),
}
"""Never ordered: it would not come to rest in the time of a run, or tells nothing of us."""

_ASKS: Final[Mapping[str, tuple[Ask, ...]]] = {
    "hyperteknoloji": (hyperteknoloji,),
    "gifthub": (gifthub,),
    "adobe_vipm": (adobe, adobe, adobe_previewed, adobe_preview),
    "threekit": (threekit,),
    "feedback_company": (feedback,),
}
PROVIDERS: Final = tuple(_ASKS)

_ORDINARY: Final[Mapping[str, Any]] = {
    "hyperteknoloji": 1,
    "gifthub": "sandbox-ok-fixed",
    "adobe_vipm": "sandbox-ok",
    "threekit": "sandbox-ok",
    "feedback_company": "sandbox-ok",
}
_PRODUCT: Final = {
    "hyperteknoloji": "customer_store_product_id",
    "gifthub": "sku",
    "adobe_vipm": "offer_id",
    "threekit": "configuration_id",
}
"""The field of a line that names the product; Feedback Company's lines have none."""

_TYPES: Final = {
    "sandbox-ok-range": "range",
    "sandbox-ok-time": "time",
    "sandbox-ok-custom": "custom_fixed",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One product, and one way to ask for it."""

    provider: str
    product: Any
    ask: Ask | None = None

    @property
    def must_be_quoted(self) -> bool:
        """Whether such an intent needs a quote.

        What is previewed first does, to be one at all; what is only priced by its first call does
        here, for else an order whose price never came is asked for again after ten minutes.
        """
        return self.provider == "gifthub" or self.ask in {adobe_previewed, adobe_preview}

    @property
    def endless(self) -> bool:
        """Whether the order comes to rest only when it is called off."""
        return self.product in ENDLESS.get(self.provider, ())

    def body(self, number: str, lines: int) -> Body:
        """An intent for so many lines; the first is of this product, the others just work.

        All are of one that is endless: what has delivered anything is not called off there.
        Its quote says what it may cost, and no moment.
        """
        ask = self.ask or _ASKS[self.provider][0]
        body = ask(number, self.product)
        first = body["lines"][0]
        if self.provider == "gifthub":
            first["product_type"] = _TYPES.get(self.product, "fixed")
        body["lines"] = [first, *(self._further(first, n) for n in range(2, lines + 1))]
        asked = body.get("quote", {})
        body["quote"] = {name: asked[name] for name in ("max_total", "currency") if name in asked}
        if lines > 1 and asked:
            body["quote"]["max_total"] = f"{100 * lines}.00"
        return body

    def _further(self, first: Body, place: int) -> Body:
        number = first["deliver_id"].removesuffix("-1")
        line = first | {"deliver_id": f"{number}-{place}"}
        if self.provider == "gifthub":  # an order there names a SKU once; others than magic work
            line |= {"sku": f"ordinary-{place}", "product_type": "fixed"}
        elif (field := _PRODUCT.get(self.provider)) and not self.endless:
            line[field] = _ORDINARY[self.provider]
        return line


def _magic(provider: str) -> tuple[Any, ...]:
    left_out = LEFT_OUT.get(provider, frozenset())
    return tuple(value for value, _ in magic_values(provider) if value not in left_out)


MAGIC: Final = {provider: _magic(provider) for provider in PROVIDERS}


def draw(chance: Random) -> Way:
    """Some product of some provider, and a way to ask for it."""
    provider = chance.choice(PROVIDERS)
    ordinary = chance.random() < ORDINARY_SHARE
    product = _ORDINARY[provider] if ordinary else chance.choice(MAGIC[provider])
    return Way(provider, product, chance.choice(_ASKS[provider]))
