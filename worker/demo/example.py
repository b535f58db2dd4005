"""Two intents to try things with, one for each simulated provider."""

from typing import Any


def example(producer: str, number: str) -> list[dict[str, Any]]:
    """Intents with ids made of ``number``, so that each time of trying is a new order.

    The first is delivered a little later; the second is bought, then the line is cut.
    """
    return [
        {
            "intent_id": f"{number}-a",
            "producer": producer,
            "provider": "hyperteknoloji",
            "lines": [
                {
                    "deliver_id": f"{number}-a1",
                    "quantity": 1,
                    "customer_store_product_id": 5,
                    "require_data": [
                        {"product_require_id": 1, "identifier": "userid", "value": "12341234"}
                    ],
                }
            ],
        },
        {
            "intent_id": f"{number}-b",
            "producer": producer,
            "provider": "gifthub",
            "wallet": "EUR",
            "lines": [
                {
                    "deliver_id": f"{number}-b1",
                    "sku": "sandbox-confirm-cut",
                    "product_type": "fixed",
                    "face_value": "10",
                    "quantity": 1,
                }
            ],
        },
    ]
