"""What the demonstration submits, and what must become of each intent.

Most products are magic values of the sandbox (``orderline up`` lists them at ``/_sandbox/magic``).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from worker.lifecycle import OrderState

EU: Final = "shop-eu"
TR: Final = "shop-tr"
PRODUCERS: Final = (EU, TR)

_S = OrderState


@dataclass(frozen=True, slots=True)
class Case:
    """One entry for a stream. ``ends`` is the order's state at the end, ``None`` for no order."""

    producer: str
    raw: bytes = field(repr=False)
    ends: OrderState | None
    story: str

    @property
    def intent_id(self) -> str | None:
        """The id it has, where it is JSON."""
        try:
            return str(json.loads(self.raw).get("intent_id"))
        except ValueError:
            return None

    @property
    def deliver_ids(self) -> list[str]:
        """Its DeliverIDs, where it is JSON."""
        try:
            return [line["deliver_id"] for line in json.loads(self.raw)["lines"]]
        except ValueError:
            return []


class Scenario:
    """Numbers its intents as it makes them, so that no two runs of it differ."""

    def __init__(self) -> None:
        self._number = 100_000
        self.personal: list[str] = []
        """Whose accounts are topped up: personal data, to be looked for where it must not be."""

    def before_outage(self) -> Iterator[Case]:
        """What is submitted first, duplicates and nonsense included."""
        for product, ends, story in _HYPERTEKNOLOJI:
            yield self._hyper(product, ends, story)
        for sku, ends, story in _GIFTHUB:
            yield self._gifthub(sku, ends, story)
        yield self._hyper(1, _S.FULFILLED, "three lines in one order", lines=3)
        repeated = self._hyper(1, _S.FULFILLED, "sent three times")
        yield from (repeated, repeated, repeated)
        yield Case(TR, _changed(repeated.raw), None, "the same intent_id with other content")
        yield Case(TR, b'{"intent_id": "broken", "lines": [', None, "not JSON")
        yield Case(EU, _misspelt(self._gifthub("sandbox-ok-fixed", None, "").raw), None, "a typo")
        yield Case(
            TR, _misspelt(self._hyper(1, None, "").raw), None, "a typo beside a person's name"
        )

    def during_outage(self) -> Iterator[Case]:
        """What is submitted while Hyperteknoloji cannot be reached.

        Gifthub can. What ends there without a purchase comes only now, when no worker is killed
        any more: a no that follows a cut call is not believed before that call can have come
        through, and that takes longer than a demonstration.
        """
        yield self._gifthub("sandbox-failed", _S.FAILED, "failed after it was confirmed")
        yield self._gifthub("sandbox-419", _S.EXPIRED, "their price died before it was confirmed")
        for _ in range(4):
            yield self._hyper(1, _S.FULFILLED, "placed after an outage")
        ends = datetime.now(UTC) + timedelta(seconds=8)
        quote = {"quoted_at": datetime.now(UTC).isoformat(), "expires_at": ends.isoformat()}
        for _ in range(2):
            yield self._hyper(1, _S.EXPIRED, "its quote ends in the outage", quote=quote)

    def _next(self) -> str:
        self._number += 1
        return str(self._number)

    def _hyper(
        self,
        product: int,
        ends: OrderState | None,
        story: str,
        *,
        lines: int = 1,
        quote: Mapping[str, str] | None = None,
    ) -> Case:
        number = self._next()
        player = f"player-of-{number}"
        self.personal.append(player)
        body: dict[str, Any] = {
            "intent_id": number,
            "provider": "hyperteknoloji",
            "lines": [
                {
                    "deliver_id": f"{number}-{index + 1}",
                    "quantity": 1,
                    "customer_store_product_id": product,
                    "require_data": [
                        {"product_require_id": 1, "identifier": "userid", "value": player}
                    ],
                }
                for index in range(lines)
            ],
            "quote": quote or _quote("40.00" if lines == 1 else "200.00", "TRY"),
        }
        return Case(TR, json.dumps(body).encode(), ends, story)

    def _gifthub(self, sku: str, ends: OrderState | None, story: str) -> Case:
        number = self._next()
        body = {
            "intent_id": number,
            "provider": "gifthub",
            "wallet": "EUR",
            "lines": [
                {
                    "deliver_id": f"{number}-1",
                    "sku": sku,
                    "product_type": "fixed",
                    "face_value": "10",
                    "quantity": 1,
                }
            ],
            "quote": _quote("11.00", "EUR"),
        }
        return Case(EU, json.dumps(body).encode(), ends, story)


def _quote(max_total: str, currency: str) -> dict[str, str]:
    quoted_at = datetime.now(UTC).isoformat()
    return {"quoted_at": quoted_at, "max_total": max_total, "currency": currency}


def _changed(raw: bytes) -> bytes:
    body = json.loads(raw)
    body["lines"][0]["quantity"] = 2
    return json.dumps(body).encode()


def _misspelt(raw: bytes) -> bytes:
    return raw.replace(b'"wallet"', b'"walet"').replace(b'"quantity"', b'"quantitty"')


_HYPERTEKNOLOJI: Final[tuple[tuple[int, OrderState, str], ...]] = (
    (1, _S.FULFILLED, "delivered at once"),
    (1, _S.FULFILLED, "delivered at once"),
    (1, _S.FULFILLED, "delivered at once"),
    (5, _S.FULFILLED, "delivered a little later"),
    (5, _S.FULFILLED, "delivered a little later"),
    (2, _S.REFUSED, "out of stock"),
    (3, _S.REFUSED, "price changed"),
    (6, _S.CANCELLED, "cancelled by the provider"),
    (8, _S.FULFILLED, "bought, then the line was cut: looked up"),
    (8, _S.FULFILLED, "bought, then the line was cut: looked up"),
    (9, _S.PARKED, "cut, and not in their list: a person decides"),
    (10, _S.FULFILLED, "bought, never answered: looked up"),
    (11, _S.FULFILLED, "bought, answered 500: looked up"),
    (13, _S.FULFILLED, "429 twice, then sold"),
    (16, _S.FULFILLED, "bought, then reset: looked up"),
    (23, _S.FULFILLED, "our token was rejected and renewed"),
)

_GIFTHUB: Final[tuple[tuple[str, OrderState, str], ...]] = (
    ("sandbox-ok-fixed", _S.FULFILLED, "quoted, confirmed, delivered"),
    ("sandbox-ok-fixed", _S.FULFILLED, "quoted, confirmed, delivered"),
    ("sandbox-ok-fixed", _S.FULFILLED, "quoted, confirmed, delivered"),
    ("sandbox-slow", _S.FULFILLED, "delivered a little later"),
    ("sandbox-out-of-stock", _S.REFUSED, "out of stock, said by a 500"),
    ("sandbox-price-raised", _S.REFUSED, "asks more than max_total: not confirmed"),
    ("sandbox-create-cut", _S.FULFILLED, "priced, then cut: priced again, harmlessly"),
    ("sandbox-429", _S.FULFILLED, "429 twice, then sold"),
    ("sandbox-confirm-cut", _S.FULFILLED, "bought, then the line was cut: looked up"),
    ("sandbox-confirm-cut-before", _S.FULFILLED, "cut before it was bought: looked up, bought"),
    ("sandbox-confirm-hang", _S.FULFILLED, "bought, never answered: looked up"),
    ("sandbox-confirm-404-when-done", _S.FULFILLED, "bought, answered 404: looked up"),
)
