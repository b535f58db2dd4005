"""What a producer must say to have The Feedback Company invite a customer to a review.

Fields and limits are those of the provider's page "API for Developers: Orders". An "order" there
is the notice that a customer bought something; what it buys is an e-mail to that person. The
order's own id there is ours, so a producer says none.
"""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from schemas.intents.envelope import Envelope, Line, Lines
from schemas.intents.faults import FaultCode, broken
from schemas.intents.parts import Part, Personal, PersonalData
from schemas.intents.reminders import LONGEST, Unit, longest, surely_apart
from schemas.intents.urls import is_absolute

MAX_TEXT: Final = 250
MAX_URL: Final = 2000
MAX_AMOUNT: Final = LONGEST // longest("minutes", 1)

_ATOM: Final = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP: Final = "[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"^{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+{_TOP}$")
"""An address as all the world uses them: RFC 5321 without quotes and without an IP address."""


def _told(text: str) -> str:
    """Text that says something; what is empty or blank must be left out instead."""
    if not text.strip() or any(c < " " or c == "\x7f" for c in text):
        raise broken(FaultCode.BAD_TEXT, "This is text on one line, and not only spaces")
    return text


def _address(url: str) -> str:
    if not is_absolute(url):
        raise broken(FaultCode.OUT_OF_RANGE, "This is an absolute http(s) URL, percent-encoded")
    return url


def _email(address: str) -> str:
    if not _EMAIL.fullmatch(address):
        raise broken(FaultCode.OUT_OF_RANGE, "This is an e-mail address")
    return address


_ONE_LINE: Final[dict[str, Any]] = {"pattern": r"^[^\u0000-\u001f\u007f]*$"}

Text = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TEXT, json_schema_extra=_ONE_LINE),
    AfterValidator(_told),
]
Address = Annotated[
    str,
    Field(min_length=1, max_length=MAX_URL, json_schema_extra={"format": "uri"}),
    AfterValidator(_address),
]


class Customer(Part):
    """Who bought, and is invited."""

    email: Annotated[
        str,
        PersonalData(erased="erased@example.invalid"),
        Field(min_length=1, max_length=MAX_TEXT, json_schema_extra={"pattern": _EMAIL.pattern}),
        AfterValidator(_email),
    ]
    """Where the invitation goes. Personal data."""
    fullname: (
        Annotated[
            Personal,
            Field(min_length=1, max_length=MAX_TEXT, json_schema_extra=_ONE_LINE),
            AfterValidator(_told),
        ]
        | None
    ) = None
    """The customer's name, as the invitation says it. Personal data."""


class Wait(Part):
    """How long after the order something is sent."""

    unit: Unit
    """What is counted; `weekdays` are Monday to Friday."""
    amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
    """How many, as a number; a year at the most."""

    @model_validator(mode="after")
    def _is_not_endless(self) -> Self:
        if longest(self.unit, self.amount) > LONGEST:
            raise broken(FaultCode.OUT_OF_RANGE, "A wait is a year at the most", "amount")
        return self


class Invitation(Part):
    """The e-mail that asks for a review, and the one that reminds of it."""

    delay: Wait
    """When the invitation is sent."""
    reminder: Wait | None = None
    """When the reminder is sent, at least 24 hours after the invitation whatever day it is:
    in the unit of the delay, one day (24 hours) more; in weekdays against another unit, the
    earliest reminder is held against the latest invitation. None where this is left out."""

    @model_validator(mode="after")
    def _reminder_comes_later(self) -> Self:
        delay, reminder = self.delay, self.reminder
        if reminder is not None and not surely_apart(
            (delay.unit, delay.amount), (reminder.unit, reminder.amount)
        ):
            detail = "A reminder comes at least 24 hours after the invitation, whatever the day"
            raise broken(FaultCode.OUT_OF_RANGE, detail, "reminder")
        return self


class Product(Part):
    """A product that was bought, for a review of its own."""

    external_id: Text
    """The product's id in the shop."""
    name: Text
    """What it is called."""
    url: Address
    """Its page in the shop."""
    sku: Text | None = None
    """Its stock keeping unit."""
    gtin: Annotated[str, Field(pattern="^([0-9]{12}|[0-9]{13})$")] | None = None
    """Its GTIN-13 or UPC-12, all digits. One whose check digit is wrong is not sent on, which
    the line's notification says."""
    image_url: Address | None = None
    """Its picture."""


class FeedbackCompanyLine(Line):
    """One thing that was bought. All lines of an order make one notice and one invitation."""

    product: Product | None = None
    """What it was; left out where no review of the product is wanted."""


class FeedbackCompanyIntent(Envelope):
    """Notice to The Feedback Company that somebody bought, with or without an invitation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "intent_id": "100048",
                    "producer": "shop-eu",
                    "provider": "feedback_company",
                    "customer": {"email": "appleseed@example.com", "fullname": "John Appleseed"},
                    "invitation": {
                        "delay": {"unit": "days", "amount": 3},
                        "reminder": {"unit": "days", "amount": 7},
                    },
                    "lines": [
                        {
                            "deliver_id": "100048-1",
                            "product": {
                                "external_id": "p-1",
                                "sku": "rd001",
                                "gtin": "0075678164124",
                                "name": "Red Delicious",
                                "url": "https://shop.example.com/p/1",
                            },
                        }
                    ],
                }
            ]
        }
    )

    provider: Literal["feedback_company"]
    """Which provider is to fulfil it."""
    customer: Customer
    """Who bought."""
    invitation: Invitation | None = None
    """When the customer is invited; nobody is where this is left out."""
    filtercode: Text | None = None
    """What reviews can be filtered by in the provider's pages, e.g. a branch of the shop."""
    lines: Lines[FeedbackCompanyLine]
    """What was bought."""


BODY: Final = FeedbackCompanyIntent
