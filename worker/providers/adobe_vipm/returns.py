"""Calling an order off: a RETURN of its lines, and what came of that. Pure.

Lines may be given back one by one, in parts, and by anybody who may order for the customer: what
counts for a line of ours is whether all of it was given back (page "Order scenarios").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from worker.http import Reply
from worker.lifecycle import LineState
from worker.order import Ordered
from worker.outcome import (
    Absent,
    Confirmed,
    Evidence,
    InDoubt,
    LineReport,
    LookUp,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.adobe_vipm import asking, wire
from worker.providers.adobe_vipm.errors import ALREADY_RETURNED
from worker.providers.reading import document, identifier

RETURN_ID: Final = "return_order_id"
"""The detail of a line that names the RETURN by which it was given back."""


@dataclass(slots=True)
class Given:
    """How much of one line was given back, by which orders, and whether more is under way."""

    quantity: int = 0
    by: list[str] = field(default_factory=list)
    is_open: bool = False


def read_returned(reply: Reply, order: Ordered, request_ref: str) -> Outcome:
    """What a RETURN came to."""
    outcome: Outcome
    match reply.status, document(reply):
        case status, {"orderId": got} as answer if (
            status in wire.ACCEPTED_AS and identifier(got) is not None
        ):
            if wire.is_ours(answer, order, "RETURN") and _is_of(answer, order):
                outcome = _came_to(order, _tally([answer], order))
            else:
                outcome = InDoubt("the answer is about another order")
        case _:
            outcome = _no(reply, order)
    return wire.told(outcome, reply, request_ref)


def finding(found: Sequence[Mapping[Any, Any]], order: Ordered, seen: Evidence) -> LookUp:
    """What the list of RETURN orders says of our wish to call an order off.

    RETURN orders of others' count as far as they give everything back, or still may.
    """
    of_order = [one for one in found if _is_of(one, order)]
    came_to = _came_to(order, _tally(of_order, order))
    ours = any(one.get("externalReferenceId") == asking.reference(order) for one in of_order)
    partly = isinstance(came_to, Refused) or (
        isinstance(came_to, Confirmed)
        and any(report.state is not LineState.CANCELLED for report in came_to.lines)
    )
    return Absent(seen) if partly and not ours else replace(came_to, evidence=seen)


def weighed(no: Refused, found: LookUp) -> Outcome:
    """What a RETURN that was refused came to, by what the list of RETURN orders says."""
    match found:
        case Confirmed() | Pending():
            return found
        case Refused() | Absent():
            return no
        case NotSent() | InDoubt():
            unread = f"refused ({no.reason}), and what was given back cannot be read"
            return InDoubt(unread, no.evidence)


def _no(reply: Reply, order: Ordered) -> Outcome:
    """An answer that is no RETURN. Where all is given back already, the wish has come true."""
    _, code, _ = wire.meaning_of(reply)
    if code == ALREADY_RETURNED:
        reports = (
            LineReport(line.line_ref, LineState.CANCELLED, reason="it was given back already")
            for line in asking.returnable(order)
        )
        return Confirmed(order.provider_ref, tuple(reports))
    return wire.judged(reply, order)


def _came_to(order: Ordered, given: Mapping[int, Given]) -> Confirmed | Pending | Refused:
    """Called off, line by line, as soon as nothing is open; refused where nothing came of it."""
    reports = []
    for line in asking.returnable(order):
        wanted = asking.intent_of(order).lines[line.index]
        back = given.get(asking.number_of(line, wanted), Given())
        if back.is_open:
            return Pending(order.provider_ref)
        if back.quantity >= (wanted.quantity or 0) > 0:
            details = {RETURN_ID: ",".join(back.by)}
            reports.append(LineReport(line.line_ref, LineState.CANCELLED, details=details))
        else:
            reports.append(LineReport(line.line_ref, line.state, reason="it was not given back"))
    if not any(report.state is LineState.CANCELLED for report in reports):
        return Refused(RefusalCode.OTHER, "the RETURN order failed")
    return Confirmed(order.provider_ref, tuple(reports))


def _tally(found: Sequence[Mapping[Any, Any]], order: Ordered) -> Mapping[int, Given]:
    """What RETURN orders say, line by line. Lines that they do not name are all of ours."""
    given: dict[int, Given] = {}
    for one in found:
        items = wire.by_number(one)
        for line, wanted in asking.wanted_lines(order):
            number = asking.number_of(line, wanted)
            item = items.get(number, {}) if items else {"quantity": wanted.quantity}
            quantity = item.get("quantity")
            if type(quantity) is not int or quantity <= 0:
                continue
            tally = given.setdefault(number, Given())
            state, _ = wire.state_of(item, one)
            if state is LineState.DELIVERED:
                tally.quantity += quantity
                tally.by.append(str(one["orderId"]))
            tally.is_open = tally.is_open or state is LineState.ACCEPTED
    return given


def _is_of(answer: Mapping[Any, Any], order: Ordered) -> bool:
    kind, of = answer.get("orderType"), answer.get("referenceOrderId")
    return (kind, of) == ("RETURN", order.provider_ref)
