"""``docs/reference/states.md``: where orders and lines stand, and how they move; with pictures."""

import inspect
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from tests.docs.markdown import NOTICE, REFERENCE, code, members, prose, table, told, words
from tests.docs.picture import Drawing, svg
from worker.books import DifferenceKind, Rule
from worker.cli.endpoints.listing import State as EndpointState
from worker.decisions.resolutions import Resolution
from worker.lifecycle import (
    CALLED_OFF,
    GIVEN_BACK,
    LINE_MOVES,
    ORDER_MOVES,
    TERMINAL_LINES,
    TERMINAL_ORDERS,
    LineState,
    OrderState,
    Step,
    final_state,
)
from worker.outcome import (
    Confirmed,
    InDoubt,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
    name_of,
)
from worker.store.tables import SurplusDecision
from worker.store.tables_books import Handling, RunState
from worker.store.tables_told import NotificationState
from worker.store.tables_upkeep import QuarantineDecision

PAGE: Final = REFERENCE / "states.md"
ORDERS: Final = REFERENCE / "orders.svg"
LINES: Final = REFERENCE / "lines.svg"

State = TypeVar("State", bound=StrEnum)

_OTHERS: Final[Mapping[str, type[StrEnum]]] = {
    "A notification": NotificationState,
    "An endpoint": EndpointState,
    "What a person says of a parked order": Resolution,
    "What a person says of a surplus order": SurplusDecision,
    "What a person says of an entry in quarantine": QuarantineDecision,
    "A reconciliation": RunState,
    "In what the books differ": DifferenceKind,
    "What is done about a difference": Rule,
    "What became of a difference": Handling,
}

_HEAD: Final = f"""{NOTICE}

# States

A line is one DeliverID; its producer is told each of its moves. An order's state says which call is
under way until its provider has it, and after that follows from its lines.

In the pictures ↻ says that a state may follow itself. Below each state stands how it may end; the
ends themselves are in the tables.

## An order

![An order's states and moves](orders.svg)
"""
_LINE: Final = """## A line

![A line's states and moves](lines.svg)
"""


def drawing_of_orders() -> Drawing:
    """Left to right as an order goes, doubt above and people below."""
    return Drawing(
        title="An order's states and moves",
        moves=_texts(ORDER_MOVES),
        places={
            "accepted": (0, 1.2),
            "placing": (1, 1.2),
            "quoted": (2, 1.2),
            "confirming": (3, 1.2),
            "placed": (4, 1.2),
            "in_doubt": (2.5, 0),
            "parked": (2.5, 2.4),
        },
        doubtful=frozenset({"in_doubt", "parked"}),
        bent={("placing", "placed"): -100, ("confirming", "placing"): -70},
        ends=_ordered(OrderState, TERMINAL_ORDERS),
        rows=3.4,
    )


def drawing_of_lines() -> Drawing:
    """Left to right as a line goes, doubt above."""
    return Drawing(
        title="A line's states and moves",
        moves=_texts(LINE_MOVES),
        places={
            "waiting": (0, 1),
            "quoted": (1, 1),
            "accepted": (2, 1),
            "partially_delivered": (3, 1),
            "in_doubt": (1.5, 0),
        },
        doubtful=frozenset({"in_doubt"}),
        bent={
            ("waiting", "accepted"): -70,
            ("waiting", "partially_delivered"): -140,
            ("quoted", "partially_delivered"): -70,
        },
        ends=_ordered(LineState, TERMINAL_LINES),
        rows=2.5,
    )


def page() -> str:
    """The page as it should be."""
    others = [f"### {title}\n\n{words(kind)}\n" for title, kind in _OTHERS.items()]
    return "\n".join(
        [
            _HEAD,
            _states(OrderState, ORDER_MOVES) + "\n",
            f"Once all lines have ended:\n\n{_finals()}\n",
            f"{_called_off()}\n",
            _LINE,
            _states(LineState, LINE_MOVES) + "\n",
            f"## What is done next\n\n{words(Step, 'step')}\n",
            f"## What a call comes to\n\n{_outcomes()}\n",
            "## Other words\n",
            *others,
        ]
    )


def picture_of_orders() -> str:
    return svg(drawing_of_orders())


def picture_of_lines() -> str:
    return svg(drawing_of_lines())


def _states(kind: type[State], moves: Mapping[State, frozenset[State]]) -> str:
    means = told(kind)
    rows = [
        [code(state), means[state.name], ", ".join(map(code, _ordered(kind, moves[state])))]
        for state in kind
    ]
    return table(["state", "meaning", "may become"], rows)


def _finals() -> str:
    rows = [
        [f"all `{line}`", code(final_state([line]))] for line in LineState if line in TERMINAL_LINES
    ]
    mixed = final_state([LineState.DELIVERED, LineState.FAILED])
    none = final_state([LineState.REFUSED, LineState.FAILED])
    rows += [["mixed, some `delivered`", code(mixed)], ["mixed, none `delivered`", code(none)]]
    return table(["its lines are", "the order is"], rows)


def _called_off() -> str:
    given_back = " or ".join(map(code, _ordered(OrderState, GIVEN_BACK)))
    lines = ", ".join(map(code, _ordered(LineState, CALLED_OFF)))
    return (
        f"Beyond these moves, an order that is {given_back} may still be called off, where its"
        f" provider takes goods back. Whenever a provider agrees to call an order off, its lines"
        f" that are {lines} become `{LineState.CANCELLED}`, and the order's state follows."
    )


def _outcomes() -> str:
    no = Refused(RefusalCode.OTHER, "")
    made: list[Outcome] = [Confirmed(None), no, Pending(), NotSent(""), InDoubt("")]
    rows = [
        [code(name_of(each)), prose(inspect.getdoc(type(each)) or "").split("\n\n", 1)[0]]
        for each in made
    ]
    return table(["outcome", "meaning"], rows)


def _texts(moves: Mapping[State, frozenset[State]]) -> dict[str, frozenset[str]]:
    return {str(state): frozenset(map(str, to)) for state, to in moves.items()}


def _ordered(kind: type[StrEnum], some: Iterable[StrEnum]) -> list[str]:
    """Some states in the order in which all are declared."""
    return [value for value, _ in members(kind) if value in set(some)]
