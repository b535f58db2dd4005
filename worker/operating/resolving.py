"""Saying what was found out about a parked order, or about one that is there once too often."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from schemas.ids import OrderId
from schemas.orders import OrderView
from worker.decisions.resolutions import Decision, Resolution
from worker.operating.hand import Hand
from worker.runtime import Runtime
from worker.steps.resolve import Undecidable, resolve
from worker.store import surplus
from worker.store.deeds import Act
from worker.store.tables import SurplusDecision
from worker.store.views_story import story

_RESOLVED: Final = "order.resolved"


class Said(StrEnum):
    """What may be said: of a parked order or, the last two, of a surplus order."""

    PLACED = "placed"
    REFUSED = "refused"
    RESEND = "resend"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a person says of an order, how they know it, and the provider's ids.

    ``line_refs`` are the provider's ids by DeliverID. ``unchecked``: the provider is not asked.
    """

    said: Said
    why: str
    ref: str | None = None
    line_refs: Mapping[str, str] = field(default_factory=dict)
    unchecked: bool = False


async def decide(rt: Runtime, order: OrderView, verdict: Verdict, hand: Hand) -> None:
    """Carry it out, once. Raises ``Undecidable``, and then nothing is changed."""
    if verdict.said in {Said.RETURNED, Said.KEPT}:
        await _close_surplus(rt, order, verdict, hand)
    else:
        await _resolve(rt, order, verdict, hand)


async def _resolve(rt: Runtime, order: OrderView, verdict: Verdict, hand: Hand) -> None:
    told = await story(rt.db, rt.vault, order.order_id)
    ours = {line.deliver_id: line.line_ref for line in told.lines}
    if strangers := verdict.line_refs.keys() - ours.keys():
        named = ", ".join(sorted(strangers))
        raise Undecidable(f"Order {order.order_id} has no DeliverID {named}.")
    decision = Decision(
        resolution=Resolution(verdict.said),
        by=hand.by,
        why=verdict.why,
        ref=verdict.ref,
        line_refs={ours[deliver_id]: ref for deliver_id, ref in verdict.line_refs.items()},
    )
    order_id = OrderId(order.order_id)
    deed = hand.deed(
        Act.RESOLVED, order_id=order_id, why=verdict.why, **{"as": verdict.said, "ref": verdict.ref}
    )
    try:
        await resolve(order_id, decision, rt, unchecked=verdict.unchecked, deed=deed)
    except Undecidable as fault:
        before = [event.data for event in told.events if event.type == _RESOLVED]
        last = f" It was recorded as {before[-1]['as']} by {before[-1]['by']}." if before else ""
        raise Undecidable(f"Order {order.order_id} stays {order.state}: {fault}.{last}") from None


async def _close_surplus(rt: Runtime, order: OrderView, verdict: Verdict, hand: Hand) -> None:
    order_id = OrderId(order.order_id)
    refs = (await surplus.still_open(rt.db, [order_id])).get(order_id, ())
    ref = verdict.ref
    if ref is None and len(refs) == 1:
        [ref] = refs
    elif ref not in refs:
        named = ", ".join(each or "one without an id" for each in refs) or "none"
        raise Undecidable(
            f"Order {order_id} has no such open surplus order; say which by --ref (open: {named})."
        )
    deed = hand.deed(
        Act.SURPLUS_CLOSED, order_id=order_id, why=verdict.why, **{"as": verdict.said, "ref": ref}
    )
    decision = SurplusDecision(verdict.said)
    if not await surplus.close(
        rt.db, order_id, ref, decision, by=hand.by, why=verdict.why, deed=deed
    ):
        raise Undecidable("Somebody else was faster; look at it again with `orderline parked`.")
