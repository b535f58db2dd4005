"""What is submitted, and in which order: a pure function of the seed.

Moments are left open: a quote is of when its intent is sent, so an intent here says only how long
its quote lasts.
"""

import heapq
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from random import Random
from typing import Any, Final

from worker.chaos.products import Way, draw
from worker.demo.asks import Body
from worker.store.intake import EntryKind

PRODUCERS: Final = ("shop-eu", "shop-tr", "shop-us")


class Sort(StrEnum):
    """What an entry is."""

    FRESH = "fresh"
    """An intent that can become an order."""
    REPEAT = "repeat"
    """The very same again."""
    CHANGED = "changed"
    """The same intent_id with other content."""
    MALFORMED = "malformed"
    """Nothing can come of it."""
    CANCEL = "cancel"
    """A wish to call an order off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One entry for a producer's stream. ``number`` is that of the intent it is about.

    ``window`` is how long its quote lasts, ``None`` for as long as quotes last that do not say.
    ``patient``: it waits until its intent has become an order.
    """

    sort: Sort
    number: str
    producer: str
    body: Body = field(repr=False)
    window: timedelta | None = None
    patient: bool = False
    endless: bool = False
    """Its order never comes to rest, unless it is called off."""

    @property
    def kind(self) -> EntryKind:
        """The entry's field."""
        return EntryKind.CANCEL if self.sort is Sort.CANCEL else EntryKind.INTENT

    def said(self, now: datetime) -> bytes:
        """The entry as it is sent now."""
        if self.sort is Sort.MALFORMED:
            return str(self.body["raw"]).encode()
        body = dict(self.body)
        if "quote" in body:
            moments = {"quoted_at": now.isoformat()}
            if self.window is not None:
                moments["expires_at"] = (now + self.window).isoformat()
            body["quote"] = moments | body["quote"]
        return json.dumps(body).encode()


LATER: Final[Mapping[Sort, tuple[float, int]]] = {
    Sort.REPEAT: (0.06, 60),
    Sort.CHANGED: (0.03, 60),
    Sort.CANCEL: (0.04, 60),
}
"""What may follow an intent: how often it does, and by how many entries later at most."""

MALFORMED_SHARE: Final = 0.03
QUOTED_SHARE: Final = 0.6
SHORT_SHARE: Final = 0.35
"""Of the quotes: those that end within ``SHORT`` seconds."""
REQUOTE_SHARE: Final = 0.5
"""Of the quotes of orders that are priced first: those that may be renewed."""
SHORT: Final = (3.0, 15.0)
SEVERAL_SHARE: Final = 0.25
MOST_LINES: Final = 4

_PATIENT_SHARE: Final = 0.7


def plan(seed: int, orders: int) -> Iterator[Planned]:
    """Everything that is submitted: ``orders`` intents of their own, and what goes with them."""
    chance = Random(f"intents {seed}")  # noqa: S311 -- repeatable on purpose, nothing secret
    places = count()
    waiting: list[tuple[int, int, Planned]] = []
    for place in range(orders):
        if chance.random() < MALFORMED_SHARE:
            yield _malformed(chance, place)
        fresh = _fresh(chance, f"{seed}-{place + 1:05d}")
        yield fresh
        for after, entry in _followers(chance, fresh):
            heapq.heappush(waiting, (place + after, next(places), entry))
        while waiting and waiting[0][0] <= place:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def _fresh(chance: Random, number: str) -> Planned:
    way = draw(chance)
    lines = chance.randint(2, MOST_LINES) if chance.random() < SEVERAL_SHARE else 1
    quoted = way.must_be_quoted or chance.random() < QUOTED_SHARE
    short = quoted and chance.random() < SHORT_SHARE
    body = way.body(number, lines)
    if not quoted:
        body.pop("quote", None)
    elif _is_priced_first(body) and chance.random() < REQUOTE_SHARE:
        body["quote"] = body["quote"] | {"requote": True}
    return Planned(
        sort=Sort.FRESH,
        number=number,
        producer=chance.choice(PRODUCERS),
        body=body,
        window=timedelta(seconds=round(chance.uniform(*SHORT), 1)) if short else None,
        endless=way.endless,
    )


def _is_priced_first(body: Body) -> bool:
    return body["provider"] == "gifthub" or bool(body.get("preview_first"))


def _followers(chance: Random, fresh: Planned) -> Iterator[tuple[int, Planned]]:
    for sort, (share, latest) in LATER.items():
        follows = chance.random() < share or (sort is Sort.CANCEL and fresh.endless)
        after, patient = chance.randrange(latest), chance.random() < _PATIENT_SHARE
        if follows:
            yield after, _follower(fresh, sort, patient=patient or fresh.endless)


def _follower(fresh: Planned, sort: Sort, *, patient: bool) -> Planned:
    body: Body = fresh.body
    if sort is Sort.CANCEL:
        body = {"intent_id": fresh.number, "reason": "the customer left"}
    if sort is Sort.CHANGED:
        first, *others = fresh.body["lines"]
        changed = first | {"deliver_id": f"{first['deliver_id']}-changed"}
        body = fresh.body | {"lines": [changed, *others]}
    return Planned(
        sort=sort,
        number=fresh.number,
        producer=fresh.producer,
        body=body,
        window=fresh.window,
        patient=patient and sort is Sort.CANCEL,
        endless=fresh.endless,
    )


_NONSENSE: Final = (
    "",
    "[]",
    '{"intent_id": "broken", "lines": [',
    '{"intent_id": 1e400}',
    '{"intent_id": "unknown", "provider": "nobody", "lines": [{"deliver_id": "x"}]}',
    '{"intent_id": "\\ud800"}',
    "{" * 1000,
)


def _malformed(chance: Random, place: int) -> Planned:
    """Nonsense, or an intent that is almost right."""
    raw = chance.choice(_NONSENSE)
    if chance.random() < 0.5:  # noqa: PLR2004 -- a coin
        body: dict[str, Any] = Way("hyperteknoloji", 1).body(f"malformed-{place}", 1)
        body["lines"][0]["quantitty"] = body["lines"][0].pop("quantity")
        raw = json.dumps({name: value for name, value in body.items() if name != "quote"})
    return Planned(
        sort=Sort.MALFORMED,
        number=f"malformed-{place}",
        producer=chance.choice(PRODUCERS),
        body={"raw": raw},
    )
