"""Facts for tests: intents as a producer sends them, orders as a worker claims them.

Everything has a default; a test names only what its story is about.
"""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from schemas.ids import AttemptId, LineId, OrderId, new_uuid
from schemas.intents import read_intent
from worker.capabilities import Capabilities, Doubt
from worker.decisions import Decider
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Attempted, Claimed, Ordered, OrderedLine
from worker.outcome import LineReport
from worker.policy import Policy
from worker.store.intake import Entry, EntryKind

Body = dict[str, Any]

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
CALL_DEADLINE = timedelta(seconds=30)
NEEDS = timedelta(seconds=37)
"""How much of a quote's window a call needs."""
POLICY = Policy(
    retry_base=timedelta(seconds=1),
    retry_cap=timedelta(minutes=5),
    retry_for=timedelta(hours=24),
    look_up_waits=tuple(timedelta(seconds=s) for s in (5, 30, 120, 600)),
    absence_after=timedelta(minutes=10),
)

ONE_PHASE = Capabilities(
    after_place=Doubt.LOOK_UP,
    poll_every=(timedelta(seconds=3), timedelta(seconds=10), timedelta(seconds=60)),
)
TWO_PHASE = Capabilities(after_place=Doubt.HARMLESS, after_confirm=Doubt.LOOK_UP_ONCE)

_entry_numbers = count(1)


def a_decider(capabilities: Capabilities = ONE_PHASE) -> Decider:
    return Decider(capabilities, POLICY, CALL_DEADLINE, needs=NEEDS)


def an_intent(*deliver_ids: str, **fields: Any) -> Body:
    """The body of an intent: one line unless more are named."""
    lines = [
        {"deliver_id": deliver_id, "quantity": 1, "customer_store_product_id": 1}
        for deliver_id in deliver_ids or ("d-1",)
    ]
    return {"intent_id": "i-1", "provider": "hyperteknoloji", "lines": lines} | fields


def a_priced_intent(*deliver_ids: str, **fields: Any) -> Body:
    """The body of an intent for a provider that quotes a price before anything is bought."""
    lines = [
        {
            "deliver_id": deliver_id,
            "sku": f"sku-{number}",
            "product_type": "fixed",
            "face_value": "10",
            "quantity": 1,
        }
        for number, deliver_id in enumerate(deliver_ids or ("d-1",))
    ]
    return {"intent_id": "i-1", "provider": "gifthub", "wallet": "EUR", "lines": lines} | fields


def raw(body: Body) -> bytes:
    """An intent's bytes."""
    return json.dumps(body).encode()


def an_entry(
    body: Body | bytes,
    *,
    producer: str = "shop",
    entry_id: str | None = None,
    kind: EntryKind = EntryKind.INTENT,
) -> Entry:
    """A stream entry; its id is one that no other entry has."""
    return Entry(
        producer,
        f"orderline:intents:{producer}",
        entry_id or f"{next(_entry_numbers)}-0",
        body if isinstance(body, bytes) else raw(body),
        kind,
    )


def an_attempt(
    number: int = 1, *, step: Step = Step.PLACE, opened_at: datetime = NOW, **fields: Any
) -> Attempted:
    return Attempted(
        attempt_id=AttemptId(new_uuid()),
        number=number,
        step=step,
        reference=new_uuid().hex,
        opened_at=opened_at,
        **{"sent_at": opened_at, **fields},
    )


_STATES = {
    Step.PLACE: OrderState.PLACING,
    Step.CONFIRM: OrderState.CONFIRMING,
    Step.POLL: OrderState.PLACED,
    Step.CANCEL: OrderState.PLACED,
    Step.RECONCILE: OrderState.IN_DOUBT,
}


def a_claimed(
    *lines: LineState, step: Step = Step.PLACE, sequence: int = 0, **fields: Any
) -> Claimed:
    """A claimed order with lines in these states, in the state that goes with its step."""
    states = lines or (LineState.WAITING,)
    ids = [f"d-{number}" for number in range(1, len(states) + 1)]
    read = read_intent(raw(an_intent(*ids)), producer="shop")
    ordered = Ordered(
        order_id=OrderId(new_uuid()),
        intent=read.intent,
        lines=tuple(
            OrderedLine(
                line_id=LineId(new_uuid()),
                index=index,
                deliver_id=ids[index],
                line_ref=f"ref-{index}",
                state=state,
                sequence=sequence,
            )
            for index, state in enumerate(states)
        ),
        provider_ref=fields.pop("provider_ref", None),
    )
    facts: dict[str, Any] = {
        "order": ordered,
        "producer": "shop",
        "provider": "hyperteknoloji",
        "account": "default",
        "notify_url": "https://shop.example/hooks",
        "state": _STATES[step],
        "step": step,
        "fence": 1,
        "tries": 0,
        "created_at": NOW,
        "now": NOW,
    }
    return Claimed(**facts | fields)


def reports(claimed: Claimed, *states: LineState) -> tuple[LineReport, ...]:
    """What a provider says of the first lines of an order."""
    return tuple(
        LineReport(line.line_ref, state)
        for line, state in zip(claimed.order.lines, states, strict=False)
    )
