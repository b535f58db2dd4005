"""Books of a run in which every promise was kept, to be cooked."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.intents import read_intent
from tests.stories.conftest import gifthub, hyper
from worker.chaos.evidence import Evidence, Order, OurBooks, Quarantined, Run, Told
from worker.chaos.plan import Sort
from worker.chaos.submitting import Sent
from worker.chaos.verdict import Verdict, judge
from worker.demo.receiver import Received
from worker.sandbox.books import Row
from worker.store.intake import EntryKind

SHOP = "shop-eu"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def sent(
    number: int, body: dict[str, Any] | bytes, sort: Sort = Sort.FRESH, intent_id: str = ""
) -> Sent:
    """An acknowledged entry."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Sent(
        producer=SHOP,
        entry_id=f"{number}-0",
        kind=EntryKind.CANCEL if sort is Sort.CANCEL else EntryKind.INTENT,
        intent_id=intent_id or (str(body["intent_id"]) if isinstance(body, dict) else "nonsense"),
        raw=raw,
        sort=sort,
    )


def order(of: Sent, state: str = "fulfilled", **more: Any) -> Order:
    """The order that became of an entry; its reference at the provider is ``ref-<intent>``."""
    read = read_intent(of.raw, producer=SHOP)
    return Order(
        **{
            "order_id": f"order-{of.intent_id}",
            "producer": SHOP,
            "intent_id": of.intent_id,
            "fingerprint": read.fingerprint,
            "provider": read.intent.provider,
            "state": state,
            "refs": (f"ref-{of.intent_id}",),
            **more,
        }
    )


def row(of: Order, order_id: str = "9001", **more: Any) -> Row:
    """A live line at the remote, of an order of ours."""
    return Row(
        **{
            "remote": of.provider,
            "ref": of.refs[0],
            "order_id": order_id,
            "line_id": "1",
            "product": "1",
            "quantity": 1,
            "price": 1,
            "currency": "TRY",
            "status": "1",
            "live": True,
            "created_at": NOW,
            "bought_at": NOW,
            **more,
        }
    )


def told(intent_id: str, sequence: int) -> Told:
    """An event of an order's only line."""
    return Told(
        webhook_id=f"evt_{intent_id}_{sequence}",
        producer=SHOP,
        subject=f"{intent_id}-1",
        sequence=sequence,
        type="line.delivered",
    )


def heard(*events: Told) -> Received:
    """What a receiver notes that hears these, in this order."""
    received = Received(verified=len(events))
    for each in events:
        data = {"producer": SHOP, "deliver_id": each.subject, "sequence": each.sequence}
        received.first[each.webhook_id] = {"type": each.type, "data": data}
    return received


@dataclass
class Books:
    """A run's books; whoever cooks them changes a field and judges."""

    sent: list[Sent]
    orders: list[Order]
    quarantined: list[Quarantined]
    told: list[Told]
    theirs: dict[str, list[Row]]
    received: Received
    run: Run = field(default_factory=lambda: Run(seed=7, wanted=2))
    unsure: frozenset[str] = frozenset()
    begun_late: list[str] = field(default_factory=list)
    left_in_streams: int = 0

    def verdict(self) -> Verdict:
        """What the audit says of them."""
        return judge(
            Evidence(
                sent=self.sent,
                unsure=self.unsure,
                ours=OurBooks(
                    orders=self.orders,
                    quarantined=self.quarantined,
                    told=self.told,
                    begun_late=self.begun_late,
                    owed=0,
                ),
                theirs=self.theirs,
                received=self.received,
                left_in_streams=self.left_in_streams,
                run=self.run,
            )
        )

    def change(self, place: int, **fields: Any) -> None:
        """Change an order."""
        self.orders[place] = replace(self.orders[place], **fields)


def kept() -> Books:
    """A bought order, a refused one, a repeat, a changed repeat, nonsense and a wish."""
    bought = sent(1, hyper("a"))
    refused = sent(2, gifthub("b"))
    changed = sent(4, hyper("a", 2), Sort.CHANGED)
    nonsense = sent(5, b"{", Sort.MALFORMED)
    wish = sent(6, {"intent_id": "b"}, Sort.CANCEL)
    ends = NOW + timedelta(seconds=10)
    first, second = order(bought, expires_at=ends), order(refused, "refused", cancels=1)
    events = [told("a", 1), told("a", 2), told("b", 1)]
    return Books(
        sent=[bought, refused, sent(3, hyper("a"), Sort.REPEAT), changed, nonsense, wish],
        orders=[first, second],
        quarantined=[
            aside(changed, "repeated_with_other_content"),
            aside(nonsense, "not_json"),
        ],
        told=events,
        theirs={"hyperteknoloji": [row(first)], "gifthub": []},
        received=heard(*events),
    )


def aside(of: Sent, code: str) -> Quarantined:
    """An entry that was set aside."""
    return Quarantined(stream=of.stream, entry_id=of.entry_id, digest="digest", code=code)
