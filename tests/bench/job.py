"""The job, the same for every system: an intent of about 1 KB with one to three lines.

Intent → recorded → one POST to the provider → its result recorded → one signed webhook for each
line → each recorded. The intents are Threekit's, because with that adapter an order is exactly
this: one call creates it, nothing is confirmed or polled, there is no login, and each line has
one event.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

PRODUCER: Final = "bench"
PROVIDER_PATH: Final = "/api/orders"
HOOK_PATH: Final = "/hooks/bench"
TOKEN: Final = "a-token-of-the-benchmark"
SECRET: Final = "whsec_" + base64.b64encode(b"thirty-two bytes of the benchmark").decode()

_KEY: Final = base64.b64decode(SECRET.removeprefix("whsec_"))
_NOTE: Final = "Please engrave the name on the inside, in the smaller of the two founts. " * 9
_CONFIGURATION: Final = "6c0b1f7e-4d0e-4c53-9b0e-0c3f7b1f5a10"


@dataclass(frozen=True, slots=True)
class Orders:
    """A heap of orders to be done: numbers from ``first`` on, ``count`` of them."""

    first: int
    count: int

    @property
    def numbers(self) -> range:
        """Their numbers, which are their intents' ids too."""
        return range(self.first, self.first + self.count)

    @property
    def lines(self) -> int:
        """How many lines they have together: as many webhooks have to come."""
        return sum(map(lines_of, self.numbers))


def lines_of(number: int) -> int:
    """How many lines an order has: one, two or three, two on average."""
    return number % 3 + 1


def intent(number: int) -> dict[str, Any]:
    """What the producer asks for."""
    said = str(number)
    return {
        "intent_id": said,
        "producer": PRODUCER,
        "provider": "threekit",
        "name": f"shop order {said}",
        "platform": {"id": said, "platform": "ourshop", "store_name": "main"},
        "metadata": {"note": _NOTE},
        "lines": [
            {
                "deliver_id": f"{said}-{index}",
                "configuration_id": _CONFIGURATION,
                "quantity": 1,
                "metadata": {"line": str(index)},
            }
            for index in range(lines_of(number))
        ],
    }


def encoded(number: int) -> bytes:
    """The intent as it travels."""
    return json.dumps(intent(number), separators=(",", ":")).encode()


def provider_body(asked: Mapping[str, Any], key: str) -> bytes:
    """What the provider is sent; as long as what Orderline's adapter sends, and answered alike."""
    body = {
        "cart": [
            {
                "configurationId": line["configuration_id"],
                "count": line["quantity"],
                "metadata": {**line["metadata"], "lineRef": f"{key}{index:02}"},
            }
            for index, line in enumerate(asked["lines"])
        ],
        "metadata": {**asked["metadata"], "clientOrderKey": key},
        "name": asked["name"],
        "platform": {"id": asked["intent_id"], "platform": "ourshop", "storeName": "main"},
        "status": "New",
    }
    return json.dumps(body, separators=(",", ":")).encode()


def webhook_body(asked: Mapping[str, Any], index: int, key: str, provider_ref: str) -> bytes:
    """What is told of one line; it says what Orderline's notification does."""
    news = {
        "intent_id": asked["intent_id"],
        "producer": PRODUCER,
        "order_id": key,
        "deliver_id": asked["lines"][index]["deliver_id"],
        "sequence": 1,
        "provider": asked["provider"],
        "state": "delivered",
        "provider_ref": provider_ref,
    }
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    message = {"type": "line.delivered", "timestamp": at, "data": news}
    return json.dumps(message, separators=(",", ":")).encode()


def signed(webhook_id: str, body: bytes) -> dict[str, str]:
    """The headers of a webhook, after Standard Webhooks."""
    stamp = str(int(time.time()))
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature(webhook_id, stamp, body)}",
    }


def signature(webhook_id: str, stamp: str, body: bytes) -> str:
    """The signature itself."""
    text = b"%b.%b.%b" % (webhook_id.encode(), stamp.encode(), body)
    return base64.b64encode(hmac.digest(_KEY, text, hashlib.sha256)).decode()


def provider_headers() -> dict[str, str]:
    """What a call to the provider needs besides its body."""
    return {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}


def encode_all(numbers: Sequence[int]) -> list[bytes]:
    """Many intents as they travel."""
    return [encoded(number) for number in numbers]
