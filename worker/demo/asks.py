"""Intent bodies of the demonstration, one function a provider: ``ask(number, product, …)``.

``product`` is a magic value of the sandbox; DeliverIDs are the intent's number and a place.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

Body = dict[str, Any]
Ask = Callable[[str, Any], Body]


def quote(max_total: str, currency: str) -> dict[str, str]:
    """A quote made just now, which may cost this much."""
    quoted_at = datetime.now(UTC).isoformat()
    return {"quoted_at": quoted_at, "max_total": max_total, "currency": currency}


def player(number: str) -> str:
    """Whose account is topped up: personal data."""
    return f"player-of-{number}"


def customer(number: str) -> str:
    """Who is invited to review: personal data."""
    return f"customer-of-{number}@example.com"


def fullname(number: str) -> str:
    """The same person's name: personal data."""
    return f"Name of {number} Surname"


def engraving(number: str) -> str:
    """What stands on a configured product: personal data."""
    return f"engraving-of-{number}"


def gift_note(number: str) -> str:
    """What comes with a configured product: personal data."""
    return f"gift-note-of-{number}"


def hyperteknoloji(number: str, product: Any, lines: int = 1) -> Body:
    """A basket, for some player."""
    answer = {"product_require_id": 1, "identifier": "userid", "value": player(number)}
    return {
        "intent_id": number,
        "provider": "hyperteknoloji",
        "lines": [
            {
                "deliver_id": f"{number}-{index + 1}",
                "quantity": 1,
                "customer_store_product_id": product,
                "require_data": [answer],
            }
            for index in range(lines)
        ],
        "quote": quote("40.00" if lines == 1 else "200.00", "TRY"),
    }


def gifthub(number: str, product: Any) -> Body:
    """One gift card."""
    return {
        "intent_id": number,
        "provider": "gifthub",
        "wallet": "EUR",
        "lines": [
            {
                "deliver_id": f"{number}-1",
                "sku": product,
                "product_type": "fixed",
                "face_value": "10",
                "quantity": 1,
            }
        ],
        "quote": quote("11.00", "EUR"),
    }


def adobe(number: str, product: Any, order_type: str = "NEW") -> Body:
    """Two licences."""
    return {
        "intent_id": number,
        "provider": "adobe_vipm",
        "customer_id": "9876543210",
        "order_type": order_type,
        "currency": "USD",
        "lines": [{"deliver_id": f"{number}-1", "offer_id": product, "quantity": 2}],
        "quote": quote("1000.00", "USD"),
    }


def adobe_previewed(number: str, product: Any) -> Body:
    """Two licences, if a preview says that they are cheap enough."""
    return adobe(number, product) | {"preview_first": True}


def adobe_preview(number: str, product: Any) -> Body:
    """The price of two licences, and nothing else."""
    return adobe(number, product, "PREVIEW")


def threekit(number: str, product: Any) -> Body:
    """A configured product of a shop's order."""
    return {
        "intent_id": number,
        "provider": "threekit",
        "platform": {"id": number, "platform": "shop-eu", "store_name": "main"},
        "metadata": {"gift": gift_note(number)},
        "lines": [
            {
                "deliver_id": f"{number}-1",
                "configuration_id": product,
                "quantity": 1,
                "metadata": {"engraved": engraving(number)},
            }
        ],
    }


def feedback(number: str, product: Any) -> Body:
    """A notice that somebody bought, and may be invited to review."""
    return {
        "intent_id": number,
        "provider": "feedback_company",
        "customer": {"email": customer(number), "fullname": fullname(number)},
        "invitation": {"delay": {"unit": "days", "amount": 3}},
        "filtercode": product,
        "lines": [{"deliver_id": f"{number}-1"}],
    }


PERSONAL: Final[Sequence[Callable[[str], str]]] = (
    player,
    customer,
    fullname,
    engraving,
    gift_note,
)
"""All that an intent can say about a person, by the intent's number."""
