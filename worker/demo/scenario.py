"""What the demonstration submits and when: each story once, and repeats, nonsense and wishes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from worker.demo.asks import PERSONAL, Ask, Body, gifthub, hyperteknoloji
from worker.demo.stories import AFTER_CHAOS, STORIES, TO_CANCEL
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
        """Personal data, to be looked for where it must not be."""
        self.faulty = b""
        """An intent with a typo beside personal data."""
        self.to_cancel: list[Case] = []
        """What its producer wants called off, once it is placed."""

    def before_outage(self) -> Iterator[Case]:
        """What is submitted first, duplicates and nonsense included."""
        for ask, product, ends, story in STORIES:
            yield self._case(ask, product, ends, story)
        self.to_cancel = [self._case(*story) for story in TO_CANCEL]
        yield from self.to_cancel
        basket = hyperteknoloji(self._next(), 1, lines=3)
        yield _case(basket, _S.FULFILLED, "three lines in one order")
        repeated = self._case(hyperteknoloji, 1, _S.FULFILLED, "sent three times")
        yield from (repeated, repeated, repeated)
        yield Case(TR, _changed(repeated.raw), None, "the same intent_id with other content")
        yield Case(TR, b'{"intent_id": "broken", "lines": [', None, "not JSON")
        typo = _misspelt(self._case(gifthub, "sandbox-ok-fixed", None, "").raw)
        yield Case(EU, typo, None, "a typo")
        self.faulty = typo = _misspelt(self._case(hyperteknoloji, 1, None, "").raw)
        yield Case(TR, typo, None, "a typo beside a person's name")

    def during_outage(self) -> Iterator[Case]:
        """What is submitted while Hyperteknoloji cannot be reached; the others can."""
        for ask, product, state, story in AFTER_CHAOS:
            yield self._case(ask, product, state, story)
        for _ in range(4):
            yield self._case(hyperteknoloji, 1, _S.FULFILLED, "placed after an outage")
        ends = datetime.now(UTC) + timedelta(seconds=8)
        quote = {"quoted_at": datetime.now(UTC).isoformat(), "expires_at": ends.isoformat()}
        for _ in range(2):
            asked = hyperteknoloji(self._next(), 1) | {"quote": quote}
            yield _case(asked, _S.EXPIRED, "its quote ends in the outage")

    def _next(self) -> str:
        self._number += 1
        number = str(self._number)
        self.personal += [said(number) for said in PERSONAL]
        return number

    def _case(self, ask: Ask, product: Any, ends: OrderState | None, story: str) -> Case:
        return _case(ask(self._next(), product), ends, story)


def _case(body: Body, ends: OrderState | None, story: str) -> Case:
    producer = TR if body["provider"] == "hyperteknoloji" else EU
    return Case(producer, json.dumps(body).encode(), ends, story)


def _changed(raw: bytes) -> bytes:
    body = json.loads(raw)
    body["lines"][0]["quantity"] = 2
    return json.dumps(body).encode()


def _misspelt(raw: bytes) -> bytes:
    return raw.replace(b'"wallet"', b'"walet"').replace(b'"quantity"', b'"quantitty"')
