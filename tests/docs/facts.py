"""The facts that Orderline keeps beside what producers are told, and what each says.

A fact is a row of ``events`` whose ``type`` the code writes as a text, in Python or in SQL. Here
each has its meaning, and the keys of its ``data``; ``found`` reads from the code which there are.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.house.conftest import Source, sources
from worker.store.session import Boundary

ABOUT: Final = ("order", "notification", "endpoint", "account")
"""What a fact may be about: the first word of its type."""


@dataclass(frozen=True)
class Fact:
    """What an event means, and what each key of its data says."""

    means: str
    data: Mapping[str, str] = field(default_factory=dict)


_BY: Final = "who decided"
_WHY: Final = "why, in their words"
_DIFFERENCE: Final = {
    "kind": "in what the books differ",
    "ours": "what ours say",
    "theirs": "what theirs say",
    "provider_ref": "the provider's id of the order there, if it has one",
}

FACTS: Final[Mapping[str, Fact]] = {
    "order.quoted": Fact(
        "A two-phase provider named a price; nothing is bought.",
        {
            "provider_ref": "its id of the order",
            "total": "what it asks, with the currency",
            "expires_at": "when its price dies, if it said so",
        },
    ),
    "order.requoted": Fact(
        "The quote ended unbought, and its intent allows another one.",
        {
            "number": "how many there were with this one",
            "left": "the provider's id of what is left to die there",
            "reason": "why the quote ended",
        },
    ),
    "order.looked_up": Fact(
        "A look-up did not find it.",
        {"found": "false", "look_ups": "how many look-ups there were with this one"},
    ),
    "order.called_back": Fact("Its provider called back about it, and is asked."),
    "order.cancel_asked": Fact(
        "It is to be called off.",
        {"by": "`producer`, `operator` (by the command), or an operator's name", "reason": "why"},
    ),
    "order.cancel_refused": Fact("It is not called off.", {"reason": "why it stands"}),
    "order.parked": Fact("A person must decide.", {"reason": "why, in words"}),
    "order.resolved": Fact(
        "A person said what became of it.",
        {
            "as": "what they said: `placed`, `refused`, `resend`, `cancelled`",
            "by": _BY,
            "why": _WHY,
            "ref": "the provider's id of the order, if they named one",
        },
    ),
    "order.charged_above_max": Fact(
        "It cost more than its intent allows. All but `reason` only where its own call said so.",
        {
            "reason": "in words",
            "charged": "the price, with the currency",
            "max_total": "the limit",
            "provider_ref": "the provider's id of the order",
            "lines": "the provider's id and price of each line",
            "give_back": "how it can be given back",
        },
    ),
    "order.charge_unknown": Fact(
        "It ended, and its provider did not say what it cost.",
        {"max_total": "the limit it could not be held against", "last": "what was said last"},
    ),
    "order.price_recorded": Fact(
        "The provider's books have another price, within the limit: it is ours now.",
        {"reason": "what it was, and is"},
    ),
    "order.surplus_found": Fact(
        "One more was found at the provider than was asked for.",
        {"provider_refs": "its ids there"},
    ),
    "order.surplus_closed": Fact(
        "A person dealt with a surplus order.",
        {"as": "`returned` or `kept`", "by": _BY, "why": _WHY, "ref": "its id there"},
    ),
    "order.difference_found": Fact(
        "A reconciliation found that the books differ about it.",
        _DIFFERENCE | {"rule": "what is done about it"},
    ),
    "order.difference_closed": Fact(
        "A person dealt with a difference.", _DIFFERENCE | {"by": _BY, "why": _WHY}
    ),
    "order.taken_from_quarantine": Fact(
        "What had been set aside was taken in after all.",
        {"by": _BY, "reason": _WHY, "mended": "whether it was changed before"},
    ),
    "notification.replayed": Fact(
        "A person had it delivered once more. Of its order, or of its endpoint where it has none.",
        {
            "webhook_id": "its id, the same as before",
            "event": "the type of what it tells",
            "replay": "how many replays there were with this one",
            "by": _BY,
            "reason": _WHY,
        },
    ),
    "notification.exhausted": Fact(
        "Nobody acknowledged it in all its tries.",
        {"event_id": "the event it tells", "tries": "how many there were"},
    ),
    "endpoint.failing": Fact(
        "An endpoint has done nothing but fail for some time.",
        {"since": "when that began", "failures": "how many there were"},
    ),
    "endpoint.recovered": Fact(
        "It acknowledged again, after that was told.",
        {"since": "when it had begun to fail", "failures": "how many there were"},
    ),
    "endpoint.disabled": Fact(
        "Nothing is sent there any more.",
        {
            "because": "`gone`, `failing` or `operator`",
            "since": "when it began to fail, if that is why",
            "failures": "how many there were, if that is why",
            "by": "who decided, if somebody did",
            "why": _WHY,
        },
    ),
    "endpoint.enabled": Fact("A person had it sent there again.", {"by": _BY, "why": _WHY}),
    "account.opened": Fact(
        "An account's breaker opened, or opened once more: it rests.",
        {
            "why": "in words",
            "openings": "how often in a row",
            "made": "how many calls were counted, the first time",
            "failed": "how many of them failed, the first time",
            "until": "when the next probe may go",
        },
    ),
    "account.closed": Fact(
        "Its breaker closed: it takes orders.",
        {"why": "in words", "by": "who closed it, if a person did"},
    ),
    "account.paused": Fact(
        "A person paused it.",
        {"by": _BY, "why": _WHY, "until": "when that ends by itself, if it does"},
    ),
    "account.resumed": Fact("A person ended its pause.", {"by": _BY, "why": _WHY}),
}

_TYPE: Final = re.compile(rf"[\"']((?:{'|'.join(ABOUT)})\.[a-z_]+)[\"']")


def found() -> set[str]:
    """The types that the code writes or reads; a boundary of that name is none."""
    boundaries = {*Boundary} - {*FACTS}
    types = {name for each in _sources() for name in _TYPE.findall(each.text)}
    return {name for name in types if name not in boundaries and not name.endswith(".html")}


def said() -> Iterator[tuple[str, str]]:
    """Types with the keys that the code puts beside them, where both stand in one place."""
    for each in _sources():
        for call in each.calls():
            match call:
                case ast.Call(
                    func=ast.Name(id="noted"),
                    args=[ast.Constant(value=str(kind)), ast.Dict(keys=keys)],
                ):
                    yield from ((kind, ast.literal_eval(key)) for key in keys if key)
                case _:
                    pass
        if each.path.parent.name == "store":
            yield from _said_in_sql(each.text)


def _said_in_sql(text: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(rf"'((?:{'|'.join(ABOUT)})\.[a-z_]+)'", text):
        selected = text[match.end() :].split("FROM", 1)[0]
        yield from ((match[1], key) for key in re.findall(r"'(\w+)',", selected))


def _sources() -> list[Source]:
    return sources("worker")
