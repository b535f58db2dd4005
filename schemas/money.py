"""Money: a decimal amount and the provider's own currency code. Never a float."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency's main unit, e.g. ``Money(Decimal("19.90"), "TRY")``.

    ``currency`` is what the provider calls it: Gifthub's ``IRT`` is not in ISO 4217.
    """

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}"


def money_of(amount: Decimal | None, currency: str | None) -> Money | None:
    """An amount in its currency; ``None`` where either is not known."""
    return None if amount is None or currency is None else Money(amount, currency)


def plain(amount: Decimal) -> str:
    """An amount as text, to the last digit: no exponent, two decimal places or what it needs."""
    whole, _, places = f"{amount:f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
