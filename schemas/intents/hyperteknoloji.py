"""What a producer must say to order from Hyperteknoloji (e-pins and game top-ups).

Facts and limits are those of the provider's "Create Order" page. The least and the most of
a product that one order may hold are in its catalogue, so only the provider can check them.
"""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from schemas.intents.envelope import Envelope, Line, Lines
from schemas.intents.parts import Array, Id, Part, Personal


class RequireData(Part):
    """One answer the customer gave for this product, e.g. the game account to top up."""

    product_require_id: Id
    """Which of the product's questions this answers."""
    identifier: str | None = None
    """The question's name, e.g. `userid`."""
    title: str | None = None
    """The question as the customer read it."""
    value: Personal
    """The answer; text, even where it is a number. Personal data."""


class HyperteknolojiLine(Line):
    """One product of the account's own store."""

    quantity: Annotated[int, Field(ge=1, le=2**31 - 1)]
    """How many."""
    customer_store_product_id: Id
    """The product in *our* store, not in the provider's catalogue."""
    require_data: Array[RequireData] = ()
    """What the product demands to know; empty for one that demands nothing."""


class HyperteknolojiIntent(Envelope):
    """An order of one or more products from Hyperteknoloji, all or nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "intent_id": "100045",
                    "producer": "shop-eu",
                    "provider": "hyperteknoloji",
                    "account": "default",
                    "notify_url": "https://shop.example/hooks/orders",
                    "quote": {
                        "quoted_at": "2026-11-22T10:00:00Z",
                        "expires_at": "2026-11-22T10:10:00Z",
                        "max_total": "19.90",
                        "currency": "TRY",
                    },
                    "lines": [
                        {
                            "deliver_id": "100045-1",
                            "quantity": 1,
                            "customer_store_product_id": 234,
                            "require_data": [
                                {
                                    "product_require_id": 1,
                                    "identifier": "userid",
                                    "value": "12341234",
                                }
                            ],
                        }
                    ],
                    "billing_address_id": 1234,
                }
            ]
        }
    )

    provider: Literal["hyperteknoloji"]
    """Which provider is to fulfil it."""
    lines: Lines[HyperteknolojiLine]
    """What is wanted. One refused line refuses them all."""
    billing_address_id: Id | None = None
    """A billing address of the account; the provider's default where this is left out."""


BODY: Final = HyperteknolojiIntent
