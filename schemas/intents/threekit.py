"""What a producer must say to record an order at Threekit (configured products).

Facts and limits are those of the provider's "Creates Order" page. An order there is a record of
configurations tied to an order of the shop: nothing is paid, priced or taken from stock. Its
status is always sent as "New" and the retired `items` never, so neither can be asked for.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field

from schemas.intents.envelope import Envelope, Line, Lines
from schemas.intents.faults import FaultCode, broken
from schemas.intents.parts import Name, Part, Personal

MAX_NAME: Final = 255
ORDER_KEY: Final = "clientOrderKey"
"""Under which the order's ``metadata`` holds our own key: what it is found by."""
LINE_KEY: Final = "lineRef"
"""Under which a cart entry's ``metadata`` holds our own key of the line."""


def _ours(key: str) -> AfterValidator:
    """Refuses a key that we write ourselves: one of the two texts would be lost."""

    def check(metadata: Mapping[str, str]) -> Mapping[str, str]:
        if key in metadata:
            detail = "This key is Orderline's own: the producer's text needs another"
            raise broken(FaultCode.UNKNOWN_FIELD, detail, key)
        return metadata

    return AfterValidator(check)


Texts = Mapping[Name, Personal]
"""Texts by name. Whatever a customer wrote, an engraving say, may be among them."""


class ThreekitPlatform(Part):
    """Where the order stands in the shop. All of it is sent, and looked up by, as it is."""

    id: Name
    """The shop's own id of the order."""
    platform: Name
    """What the shop runs on, e.g. `ourshop`."""
    store_name: Name
    """Which of its stores sold it."""


class ThreekitLine(Line):
    """Some pieces of one saved configuration."""

    configuration_id: Name
    """The configuration, as it was saved there."""
    quantity: Annotated[int, Field(ge=1, le=2**31 - 1)]
    """How many pieces."""
    metadata: Annotated[Texts, _ours(LINE_KEY)] = Field(default_factory=dict)
    """Texts that stay with this cart entry. The key `lineRef` is ours. Personal data."""


class ThreekitIntent(Envelope):
    """An order of one or more configured products, recorded at Threekit."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "intent_id": "10077",
                    "producer": "shop-eu",
                    "provider": "threekit",
                    "name": "shop order 10077",
                    "platform": {"id": "10077", "platform": "ourshop", "store_name": "main"},
                    "lines": [
                        {
                            "deliver_id": "10077-1",
                            "configuration_id": "6c0b1f7e-4d0e-4c53-9b0e-0c3f7b1f5a10",
                            "quantity": 1,
                            "metadata": {"line": "1"},
                        }
                    ],
                }
            ]
        }
    )

    provider: Literal["threekit"]
    """Which provider is to fulfil it."""
    platform: ThreekitPlatform
    """Which order of the shop this is."""
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = None
    """What people there read as the order's name."""
    customer_id: Name | None = None
    """The provider's own id of the customer."""
    origin_org_id: Name | None = None
    """The organisation that the order came from, e.g. a reseller's."""
    metadata: Annotated[Texts, _ours(ORDER_KEY)] = Field(default_factory=dict)
    """Texts that stay with the order. The key `clientOrderKey` is ours. Personal data."""
    lines: Lines[ThreekitLine]
    """What is wanted."""


BODY: Final = ThreekitIntent
