"""What a producer must say to order from Gifthub (gift cards and vouchers).

Limits are those of the provider's "Create Order" page: 5 different SKUs, each once, 5 of
each. Its third limit, 25 in total, follows from these two. Whether a face value fits its SKU
is in the provider's shop list, so only the provider can check it.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from schemas.intents.envelope import Envelope, Line, Lines
from schemas.intents.faults import FaultCode, broken
from schemas.intents.parts import Amount, Currency, Name

MAX_LINES: Final = 5
MAX_QUANTITY: Final = 5


class GifthubLine(Line):
    """Some cards of one SKU and one face value."""

    sku: Name
    """The variant's SKU, e.g. `038-00-range`."""
    product_type: Literal["fixed", "range", "time", "custom_fixed"]
    """How the product is priced, as the shop list says."""
    face_value: Amount
    """What one card is worth, in the product's base currency (Gifthub calls it `quote`)."""
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    """How many cards."""


class GifthubIntent(Envelope):
    """An order of up to five SKUs from Gifthub, paid from one wallet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "intent_id": "100046",
                    "producer": "shop-eu",
                    "provider": "gifthub",
                    "quote": {
                        "quoted_at": "2026-11-22T10:00:00Z",
                        "max_total": "5.40",
                        "currency": "EUR",
                    },
                    "wallet": "EUR",
                    "lines": [
                        {
                            "deliver_id": "100046-1",
                            "sku": "038-00-range",
                            "product_type": "range",
                            "face_value": "5",
                            "quantity": 1,
                        }
                    ],
                }
            ]
        }
    )

    provider: Literal["gifthub"]
    """Which provider is to fulfil it."""
    wallet: Currency
    """The wallet that pays, by its currency code."""
    lines: Annotated[Lines[GifthubLine], Field(max_length=MAX_LINES)]
    """What is wanted: each SKU in one line."""

    @property
    def is_priced_first(self) -> bool:
        """Always: creating an order there freezes its price, confirming buys it."""
        return True

    @model_validator(mode="after")
    def _skus_are_unique(self) -> Self:
        seen: set[str] = set()
        for index, line in enumerate(self.lines):
            if line.sku in seen:
                detail = "A SKU stands in one line, with its whole quantity"
                raise broken(FaultCode.DUPLICATE_VALUE, detail, "lines", index, "sku")
            seen.add(line.sku)
        return self


BODY: Final = GifthubIntent
