"""Adobe's JSON of orders, both ways, as pure functions.

A yes is an order's id; what the order and its lines came to, their status says. Every error is
judged by its ``code`` (see ``errors``), never by the HTTP status alone.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from schemas.intents.adobe_vipm import AdobeLine
from worker.http import Reply
from worker.lifecycle import TERMINAL_LINES, LineState, Step
from worker.order import Ordered, OrderedLine
from worker.outcome import (
    Check,
    Checked,
    Confirmed,
    InDoubt,
    LineReport,
    LookUp,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.adobe_vipm.asking import number_of, reference, type_of, wanted_lines
from worker.providers.adobe_vipm.errors import MEANINGS, Later, Meaning, NewToken, No, Unsure
from worker.providers.adobe_vipm.prices import line_price, price_details, total_price
from worker.providers.reading import document, evidence, identifier, not_now, objects, words

KEPT: Final = frozenset(
    {
        "code", "error_code", "message", "additionaldetails", "orderid", "customerid", "ordertype",
        "status", "externalreferenceid", "referenceorderid", "creationdate", "extlineitemnumber",
        "offerid", "quantity", "subscriptionid", "currencycode", "deploymentid", "prorateddays",
        "lineitempartnerprice", "totallineitempartnerprice", "totalcount", "count", "offset",
    }
)  # fmt: skip
"""The fields of an answer a person may read: none holds tokens or keys."""

ACCEPTED_AS: Final = frozenset({200, 201, 202})
"""201 is on the "Create order" page, the others in the list of status codes."""

_L = LineState
STANDINGS: Final[Mapping[str, tuple[LineState, str | None]]] = {
    "1000": (_L.DELIVERED, None),
    "1002": (_L.ACCEPTED, None),
    "1004": (_L.FAILED, "it failed at Adobe"),
    "1008": (_L.CANCELLED, "it was given back"),
    "1010": (_L.FAILED, "the customer's address is invalid"),
    "1020": (_L.FAILED, "the distributor is inactive"),
    "1022": (_L.FAILED, "the reseller is inactive"),
    "1024": (_L.FAILED, "the customer is inactive"),
    "1026": (_L.FAILED, "the customer's id is invalid"),
}
"""What the status of an order, or of a line, says (page "Status codes")."""

_CLIENT_ERRORS: Final = range(400, 500)
_BLAME: Final = re.compile(r"Line Item:\s*([0-9]{1,6})\b", re.IGNORECASE)

_Told = TypeVar("_Told", bound=LookUp | Check)


def read_ordered(reply: Reply, order: Ordered, step: Step, request_ref: str) -> Outcome:
    """What ordering came to. A yes is an order's id, whatever became of the order since."""
    outcome: Outcome
    match reply.status, document(reply):
        case status, {"orderId": got} as answer if (
            status in ACCEPTED_AS and (order_id := identifier(got)) is not None
        ):
            if is_ours(answer, order, type_of(order, step)):
                reports = standing(order, answer)
                outcome = Confirmed(order_id, reports, total=total_price(answer))
            else:
                outcome = InDoubt("the answer is about another order")
        case _:
            outcome = judged(reply, order)
    return told(outcome, reply, request_ref)


def read_polled(reply: Reply, order: Ordered) -> Outcome:
    """Where an order stands, line by line."""
    outcome: Outcome
    match reply.status, document(reply):
        case 200, {"orderId": got} as answer if identifier(got) == order.provider_ref and (
            is_ours(answer, order, type_of(order, Step.CONFIRM))  # a person may name a wrong one
        ):
            reports = standing(order, answer)
            ended = all(report.state in TERMINAL_LINES for report in reports)
            outcome = (
                Confirmed(order.provider_ref, reports, total=total_price(answer))
                if ended
                else Pending(order.provider_ref, reports)
            )
        case _:
            outcome = unread(reply)
    return told(outcome, reply, order.provider_ref)


def read_checked(reply: Reply) -> Check:
    """Whether we are let in: the health check then answers ``pong`` (page "Health check")."""
    if reply.status == 200 and reply.body.strip(b' "\r\n') == b"pong":  # noqa: PLR2004 -- HTTP
        return told(Checked(), reply, None)
    return told(judged(reply), reply, None)


def standing(order: Ordered, answer: Mapping[Any, Any]) -> tuple[LineReport, ...]:
    """Every line of ours, where an order says that it stands."""
    items = by_number(answer)
    return tuple(
        _report(line, wanted, items.get(number_of(line, wanted)), answer)
        for line, wanted in wanted_lines(order)
    )


def state_of(item: Mapping[Any, Any], answer: Mapping[Any, Any]) -> tuple[LineState, str | None]:
    """Where a line of an order stands, and why.

    Lines carry a status of their own. While it is open, an order that has failed, or was given
    back, takes its lines along.
    """
    whole, own = _status(answer.get("status")), item.get("status")
    if own in ("", None):
        return whole
    state, reason = _status(own)
    lost = state is _L.ACCEPTED and whole[0] in {_L.FAILED, _L.CANCELLED}
    return whole if lost else (state, reason)


def by_number(answer: Mapping[Any, Any]) -> dict[int, Mapping[Any, Any]]:
    """An order's lines by their ``extLineItemNumber``."""
    items = objects(answer.get("lineItems"))
    return {n: item for item in items if type(n := item.get("extLineItemNumber")) is int}


def is_ours(answer: Mapping[Any, Any], order: Ordered, order_type: str) -> bool:
    """Whether an answer is about our order, as far as it says whose it is."""
    ours, kind = reference(order), order_type
    said = (answer.get("externalReferenceId", ours), answer.get("orderType", kind))
    return said == (ours, kind)


def judged(reply: Reply, order: Ordered | None = None) -> Refused | NotSent | InDoubt:
    """What an answer that is no yes says to a call, to one that may order something too."""
    meaning, code, answer = meaning_of(reply)
    match meaning:
        case No(why):
            details = answer.get("additionalDetails")
            texts = details if isinstance(details, list) else []
            said = [text for text in texts if isinstance(text, str)]
            reason = words("; ".join([f"{code} {answer.get('message')}", *said]))
            blamed = () if order is None else _blamed(order, said)
            return Refused(why, reason or "refused without a reason", blamed)
        case _:
            return _undecided(meaning, reply)


def unread(reply: Reply) -> NotSent | InDoubt:
    """What an answer that cannot be used says to a call that only asks."""
    meaning, code, _ = meaning_of(reply)
    if isinstance(meaning, No):
        return InDoubt(f"the question was refused (HTTP {reply.status}, code {words(code)})")
    return _undecided(meaning, reply)


def meaning_of(reply: Reply) -> tuple[Meaning, str, Mapping[Any, Any]]:
    """What an error means, with its code and its body.

    401 and 429, and a 403 about the token, are the gateway's: it passed nothing on (assumed).
    Its bodies have ``error_code`` in the place of ``code``.
    """
    meaning: Meaning = Unsure()
    code, answer = "", document(reply)
    match reply.status, answer:
        case status, _ if status not in _CLIENT_ERRORS:
            pass
        case _, {"orderId": got} if identifier(got):
            pass  # an order and an error at once
        case 401, _:
            meaning = NewToken()
        case 429, _:
            meaning = MEANINGS["4118"]
        case _, {"code": got, "message": str()} if identifier(got):
            code = str(got)
            meaning = MEANINGS.get(code, No(RefusalCode.OTHER))
        case 403, {"error_code": got, "message": str(message)} if identifier(got):
            code = str(got)
            meaning = NewToken() if "token" in message.lower() else No(RefusalCode.FORBIDDEN)
        case _:
            pass
    return meaning, code, answer if isinstance(answer, dict) else {}


def told(outcome: _Told, reply: Reply, request_ref: str | None) -> _Told:
    """The outcome with its evidence."""
    return replace(outcome, evidence=evidence(reply, request_ref, KEPT))


def _report(
    line: OrderedLine,
    wanted: AdobeLine,
    item: Mapping[Any, Any] | None,
    answer: Mapping[Any, Any],
) -> LineReport:
    state, reason = state_of(item or {}, answer)
    if item is None:
        state = _L.ACCEPTED if state is _L.DELIVERED else state
        return LineReport(line.line_ref, state, reason=reason or "the answer does not name it")
    ids = {
        "offer_id": identifier(item.get("offerId")) or wanted.offer_id,
        "subscription_id": identifier(item.get("subscriptionId")),
    }
    details = {name: value for name, value in ids.items() if value} | price_details(item)
    price = line_price(item, answer.get("currencyCode"))
    return LineReport(line.line_ref, state, price=price, reason=reason, details=details)


def _status(value: Any) -> tuple[LineState, str | None]:
    known = STANDINGS.get(value) if isinstance(value, str) else None
    return known or (_L.ACCEPTED, f"unknown status {words(str(value))!r}")


def _undecided(meaning: Meaning, reply: Reply) -> NotSent | InDoubt:
    match meaning:
        case Later(reason, wait):
            return not_now(reply, reason, wait)
        case NewToken():
            return NotSent("unauthorized", token_rejected=True)
        case _:
            return InDoubt(f"HTTP {reply.status} says neither yes nor no")


def _blamed(order: Ordered, said: list[str]) -> tuple[LineReport, ...]:
    """The lines that a refusal's details name by their numbers."""
    blame: dict[int, str | None] = {
        int(found[1]): words(text) for text in said if (found := _BLAME.search(text))
    }
    return tuple(
        LineReport(line.line_ref, _L.REFUSED, reason=blame[number])
        for line, wanted in wanted_lines(order)
        if (number := number_of(line, wanted)) in blame
    )
