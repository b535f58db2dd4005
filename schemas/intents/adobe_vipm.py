"""What a producer must say to order from Adobe's VIP Marketplace (Commerce Partner API v3).

Limits are those of the "Create order" page and of the error list. Which quantity a programme
allows, and what a customer is eligible for, only the provider can check. Orders that switch
plans are not offered.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.intents.envelope import Envelope, Line, Lines
from schemas.intents.faults import FaultCode, broken
from schemas.intents.parts import Array, Currency, Name

MAX_LINES: Final = 499
MAX_QUANTITY: Final = 599_000
MAX_LINE_NUMBER: Final = 999_999
MAX_CODE: Final = 40
"""How long a discount code, and the id of an order, may be."""

AdobeId = Annotated[str, Field(pattern=rf"^[A-Za-z0-9_-]{{1,{MAX_CODE}}}$")]
"""An id that becomes part of a path there."""
DiscountCode = Annotated[Name, Field(max_length=MAX_CODE)]

OrderType = Literal["NEW", "RETURN", "PREVIEW", "PREVIEW_RENEWAL", "RENEWAL"]

_BUYING: Final = frozenset({"NEW", "RENEWAL"})
_RENEWING: Final = frozenset({"RENEWAL", "PREVIEW_RENEWAL"})


class AdobeLine(Line):
    """Some licences of one offer.

    For PREVIEW_RENEWAL the only line may hold its `deliver_id` alone: then Adobe previews what
    would renew by itself.
    """

    offer_id: Name | None = None
    """The offer, as the price list names it, e.g. `80004567EA01A12`."""
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)] | None = None
    """How many licences."""
    subscription_id: Name | None = None
    """The subscription to renew; only for RENEWAL and PREVIEW_RENEWAL, where it is needed."""
    deployment_id: Name | None = None
    """The deployment that the licences are for, where the customer buys for several."""
    discount_code: DiscountCode | None = None
    """A code of a high-volume customer who came from VIP."""
    flex_discount_codes: Annotated[Array[Name], Field(max_length=1)] = ()
    """Codes of flexible discounts; Adobe takes at most one a line."""
    line_number: Annotated[int, Field(ge=0, le=MAX_LINE_NUMBER)] | None = None
    """Only for RETURN: the line's number in the order that is given back; its place here,
    counted from one, where this is left out."""

    @property
    def is_bare(self) -> bool:
        """Whether it says nothing but its `deliver_id`."""
        said = self.model_dump(exclude={"deliver_id"})
        return not any(said.values())


class AdobeIntent(Envelope):
    """An order of one customer with Adobe."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "intent_id": "100047",
                    "producer": "shop-eu",
                    "provider": "adobe_vipm",
                    "quote": {
                        "quoted_at": "2026-11-22T10:00:00Z",
                        "max_total": "365.00",
                        "currency": "USD",
                    },
                    "customer_id": "9876543210",
                    "order_type": "NEW",
                    "currency": "USD",
                    "preview_first": True,
                    "lines": [
                        {
                            "deliver_id": "100047-1",
                            "offer_id": "80004567EA01A12",
                            "quantity": 1,
                        }
                    ],
                }
            ]
        }
    )

    provider: Literal["adobe_vipm"]
    """Which provider is to fulfil it."""
    customer_id: AdobeId
    """Adobe's id of the customer who gets the licences."""
    order_type: OrderType
    """What is asked for. A PREVIEW or PREVIEW_RENEWAL buys nothing: it delivers prices."""
    reference_order_id: AdobeId | None = None
    """The order that a RETURN gives back."""
    currency: Currency | None = None
    """The order's currency; left out where deployments have currencies of their own."""
    preview_first: bool = False
    """For NEW and RENEWAL: preview, and order only what that returned, and only if its price
    is within `quote.max_total`."""
    lines: Annotated[Lines[AdobeLine], Field(max_length=MAX_LINES)]
    """What is wanted."""

    @property
    def previews(self) -> bool:
        """Whether it asks for a price and buys nothing."""
        return self.order_type.startswith("PREVIEW")

    @property
    def whole_renewal(self) -> bool:
        """Whether it previews what would renew by itself, whatever that is."""
        return self.order_type == "PREVIEW_RENEWAL" and self.lines[0].is_bare

    @property
    def is_priced_first(self) -> bool:
        """Where it is previewed first."""
        return self.preview_first

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        for fault in (*self._faults_of_order(), *self._faults_of_lines()):
            raise fault
        return self

    def _faults_of_order(self) -> Iterator[PydanticCustomError]:
        if self.order_type == "RETURN" and self.reference_order_id is None:
            detail = "A RETURN names the order that it gives back"
            yield broken(FaultCode.MISSING_FIELD, detail, "reference_order_id")
        if self.order_type != "RETURN" and self.reference_order_id is not None:
            detail = "Only a RETURN refers to another order"
            yield broken(FaultCode.UNKNOWN_FIELD, detail, "reference_order_id")
        if not self.preview_first:
            return
        if self.order_type not in _BUYING:
            detail = "Only a NEW or a RENEWAL can be previewed first"
            yield broken(FaultCode.OUT_OF_RANGE, detail, "preview_first")
        if self.quote is None or self.quote.max_total is None:
            detail = "preview_first needs a max_total to hold the price against"
            yield broken(FaultCode.MISSING_FIELD, detail, "quote", "max_total")

    def _faults_of_lines(self) -> Iterator[PydanticCustomError]:
        if self.whole_renewal:
            if len(self.lines) > 1:
                detail = "A preview of all renewals has one line, or every line says what it renews"
                yield broken(FaultCode.MISSING_FIELD, detail, "lines", 0, "offer_id")
            return
        numbers: set[int] = set()
        for index, line in enumerate(self.lines):
            yield from self._faults_of_line(line, index)
            number = index + 1 if line.line_number is None else line.line_number
            if number in numbers:
                detail = "A line of the order is given back by one line here"
                yield broken(FaultCode.DUPLICATE_VALUE, detail, "lines", index, "line_number")
            numbers.add(number)

    def _faults_of_line(self, line: AdobeLine, index: int) -> Iterator[PydanticCustomError]:
        for field in ("offer_id", "quantity"):
            if getattr(line, field) is None:
                yield broken(
                    FaultCode.MISSING_FIELD, "This field is required", "lines", index, field
                )
        renews = self.order_type in _RENEWING
        if renews and line.subscription_id is None:
            detail = "A renewal names the subscription of each line"
            yield broken(FaultCode.MISSING_FIELD, detail, "lines", index, "subscription_id")
        if not renews and line.subscription_id is not None:
            detail = "Only renewals name subscriptions"
            yield broken(FaultCode.UNKNOWN_FIELD, detail, "lines", index, "subscription_id")
        if self.order_type != "RETURN" and line.line_number is not None:
            detail = "Only a RETURN names lines of another order"
            yield broken(FaultCode.UNKNOWN_FIELD, detail, "lines", index, "line_number")


BODY: Final = AdobeIntent
