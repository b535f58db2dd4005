"""Where an order's lines stand, and calling them off.

Of ``POST /Order/cancel`` only is public that it exists and is for orders before their delivery.
So what it is sent is a setting, and its ``success`` is taken for no more than that the wish was
heard: whether a line is called off, its own ``Status`` says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from schemas import jsontext
from schemas.intents.hyperteknoloji import HyperteknolojiIntent
from worker.http import Reply
from worker.lifecycle import TERMINAL_LINES, LineState
from worker.order import Ordered, OrderedLine
from worker.outcome import (
    Absent,
    Confirmed,
    Evidence,
    Goods,
    InDoubt,
    LineReport,
    LookUp,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.asked import intent_of, personal_in
from worker.providers.hyperteknoloji.errors import unasked
from worker.providers.hyperteknoloji.wire import neither, read_json, request_ref, told
from worker.providers.reading import identifier, words

CancelBy = Literal["order", "line"]

_STANDINGS: Final[Mapping[int, tuple[LineState, str | None]]] = {
    0: (LineState.CANCELLED, "cancelled by the provider"),
    1: (LineState.DELIVERED, None),
    2: (LineState.ACCEPTED, None),
    3: (LineState.ACCEPTED, "taken out of processing"),
}
"""What a line's ``Status`` says. That 3 is not final is assumed."""


def read_detail(reply: Reply, order: Ordered, line: OrderedLine) -> LineReport | NotSent | InDoubt:
    """Where one line stands."""
    match reply.status, read_json(reply):
        case 200, {"success": True, "data": {"status": _} as data} if _is_of(line, data):
            wanted = intent_of(order, HyperteknolojiIntent).lines[line.index]
            report = _standing(line, data, wanted.quantity)
            return report or told(InDoubt("the delivered codes are unreadable"), reply, order)
        case status, _:
            unread = InDoubt(f"the order detail is unreadable (HTTP {status})")
            return told(unasked(reply) or unread, reply, order)


def standing_of(status: Any) -> tuple[LineState, str | None] | None:
    """What a line's ``Status`` says, and why; ``None`` for one that is not documented."""
    return _STANDINGS.get(status) if type(status) is int else None


def _is_of(line: OrderedLine, data: Mapping[str, Any]) -> bool:
    """Whether a detail is the line's, as far as it says whose it is."""
    return data.get("deliverid", line.line_ref) == line.line_ref and (
        data.get("orderdetailid") is None
        or identifier(data["orderdetailid"]) == line.provider_line_ref
    )


def _standing(line: OrderedLine, data: Mapping[str, Any], quantity: int) -> LineReport | None:
    """A line's report; ``None`` where it was delivered, but what cannot be read."""
    state, reason = standing_of(data["status"]) or (LineState.ACCEPTED, "unknown status")
    goods = None
    if state is LineState.DELIVERED:
        codes, notes = _texts(data.get("deliverydata")), _texts(data.get("deliverynote"))
        if codes is None or notes is None:
            return None
        if 0 < len(codes) < quantity:
            reason = f"{len(codes)} of {quantity} codes came"
        items = [{"code": code} for code in codes] + [{"note": note} for note in notes]
        goods = Goods(tuple(items)) if items else None
    return LineReport(line.line_ref, state, line.provider_line_ref, goods=goods, reason=reason)


def _texts(value: Any) -> list[str] | None:
    """Codes or notes, which come as null, one text or a list of them; ``None`` for all else."""
    texts = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        return None
    return [text for text in texts if text.strip()]


def cancel_bodies(order: Ordered, by: CancelBy) -> list[bytes]:
    """What calling the order off says, call by call; nothing where its ids are not known."""
    if by == "order":
        ids = [order.provider_ref]
    else:
        lines = [line for line in order.lines if line.state not in TERMINAL_LINES]
        ids = [line.provider_line_ref for line in lines]
    field = "OrderID" if by == "order" else "OrderDetailID"
    return [jsontext.canonical({field: _as_number(one)}) for one in ids if one is not None]


def read_cancel(reply: Reply, order: Ordered) -> Outcome:
    """What one cancelling call came to: at best the wish was heard."""
    outcome: Pending | Refused | NotSent | InDoubt
    match reply.status, read_json(reply):
        case 200, {"success": True}:
            outcome = Pending(order.provider_ref)
        case 200 | 400, {"success": False} as answer:
            said = words(answer.get("message"), personal_in(order))
            outcome = Refused(RefusalCode.OTHER, said or "refused without a reason")
        case _:
            outcome = neither(reply)
    return told(outcome, reply, order)


def heard(outcomes: Sequence[Outcome]) -> Outcome:
    """What several cancelling calls, one a line, came to together.

    The least sure of them counts. One that was not sent after another that was heard leaves the
    whole wish half said: that is doubt too.
    """
    doubts = (one for one in outcomes if isinstance(one, InDoubt))
    taken = (one for one in outcomes if isinstance(one, Pending))
    last = outcomes[-1]
    if doubt := next(doubts, None):
        return doubt
    if pending := next(taken, None):
        half = isinstance(last, NotSent)
        return InDoubt("not every line was called off", last.evidence) if half else pending
    return last


def called_off(reports: Sequence[LineReport], order: Ordered) -> LookUp:
    """Whether an order is called off, by where all its lines stand.

    ``Absent`` is all that can be said where a line is still being processed: no answer tells
    whether the tenant knows of our wish, and to ask for it again does no harm.
    """
    seen = Evidence(200, request_ref(order), f"{len(reports)} lines were read")
    states = [report.state for report in reports]
    if LineState.DELIVERED in states:
        which = f"{states.count(LineState.DELIVERED)} of {len(states)} lines"
        return Refused(RefusalCode.OTHER, f"already delivered: {which}", evidence=seen)
    if set(states) == {LineState.CANCELLED}:
        off = tuple(replace(report, reason="called off") for report in reports)
        return Confirmed(order.provider_ref, off, evidence=seen)
    return Absent(seen)


def _as_number(ref: str) -> int | str:
    """An id as the provider gave it, which is documented as a number."""
    return int(ref) if ref.isascii() and ref.isdecimal() else ref
