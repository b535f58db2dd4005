"""What a provider charged, held against what an order may cost, once it is bought."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from worker.change import Change
from worker.decisions.rules import Rules
from worker.lifecycle import OrderState
from worker.moves import breach
from worker.order import Claimed
from worker.outcome import Confirmed
from worker.verdicts import change_of, noted

PRICE_QUESTIONS: Final = 5
"""How often an order that is all there is asked what it cost, before it ends without that."""


def is_unpriced(rules: Rules, claimed: Claimed, outcome: Confirmed) -> bool:
    """Whether only a poll can tell what was charged, and somebody wants to know."""
    wanted = claimed.max_total is not None and outcome.total is None
    by_poll = rules.capabilities.buys and rules.capabilities.charge_by_poll
    return wanted and by_poll and outcome.provider_ref is not None


def charged(rules: Rules, claimed: Claimed, change: Change, outcome: Confirmed) -> Change:
    """What the provider charges, as its yes tells it or the last poll; an alarm if too much."""
    broken = breach(claimed.max_total, outcome.total) if rules.capabilities.buys else None
    if broken is None:
        return replace(change, total=outcome.total)
    alarm = noted("order.charged_above_max", _told(rules, claimed, outcome, broken))
    events = (*change.events, alarm)
    return replace(change, total=outcome.total, reason=broken, events=events)


def unpriced(claimed: Claimed, ended: OrderState, last: str) -> Change:
    """It is all there, and nobody says what it cost: that ends no order later."""
    alarm = noted("order.charge_unknown", {"max_total": str(claimed.max_total), "last": last})
    return change_of(claimed, state=ended, reason=claimed.reason, events=(alarm,))


def _told(rules: Rules, claimed: Claimed, outcome: Confirmed, reason: str) -> Mapping[str, Any]:
    """Everything that whoever gives it back, or accepts it, has to know."""
    within = rules.capabilities.returns_for
    way = "no documented way: ask the provider's support"
    if rules.capabilities.cancels:
        days = "before its goods are delivered" if within is None else f"for {within.days} days"
        way = f"orderline cancel, {days}"
    return {
        "reason": reason,
        "charged": str(outcome.total),
        "max_total": str(claimed.max_total),
        "provider_ref": outcome.provider_ref or claimed.order.provider_ref,
        "lines": [
            {
                "line_ref": each.line_ref,
                "provider_line_ref": each.provider_line_ref,
                "price": None if each.price is None else str(each.price),
            }
            for each in outcome.lines
        ],
        "give_back": way,
    }
