"""States and the moves between them, as data. Pure: no I/O, no clock.

A line (one DeliverID) moves by ``LINE_MOVES``; an order's state is derived from its lines
once the provider has it, and says which step is under way before that. Every predicate is
derived from the two tables, so a new state that nobody classified fails the tests.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class LineState(StrEnum):
    """Where one DeliverID stands."""

    WAITING = "waiting"
    """Nothing was heard from the provider yet."""
    QUOTED = "quoted"
    """The provider holds a price for it; nothing is bought."""
    ACCEPTED = "accepted"
    """The provider took the order and will deliver."""
    PARTIALLY_DELIVERED = "partially_delivered"
    """Some of the quantity arrived."""
    IN_DOUBT = "in_doubt"
    """We cannot prove whether the provider acted."""
    DELIVERED = "delivered"
    """Everything arrived."""
    REFUSED = "refused"
    """The provider said no; nothing was bought."""
    FAILED = "failed"
    """It was taken on and came to nothing."""
    CANCELLED = "cancelled"
    """It was called off after it had been taken on."""
    EXPIRED = "expired"
    """The quote's window closed before it could be bought."""


class OrderState(StrEnum):
    """Where an order stands."""

    ACCEPTED = "accepted"
    """Recorded; no call was made."""
    PLACING = "placing"
    """The placing call is under way, or waits for its next try."""
    QUOTED = "quoted"
    """A two-phase provider holds a price; the confirming call comes next."""
    CONFIRMING = "confirming"
    """The confirming call is under way, or waits for its next try."""
    PLACED = "placed"
    """The provider has it; goods are awaited."""
    IN_DOUBT = "in_doubt"
    """A call's outcome is unknown; the provider is being asked."""
    PARKED = "parked"
    """We stopped; a person must decide."""
    FULFILLED = "fulfilled"
    """Every line was delivered."""
    PARTIALLY_FULFILLED = "partially_fulfilled"
    """Some lines were delivered, the others ended otherwise."""
    REFUSED = "refused"
    """The provider said no to it; nothing was bought."""
    EXPIRED = "expired"
    """Its quote closed before it could be bought."""
    FAILED = "failed"
    """It was taken on, and nothing of it was delivered."""
    CANCELLED = "cancelled"
    """It was called off."""


class Step(StrEnum):
    """What has to be done next to an order that is neither finished nor parked."""

    PLACE = "place"
    """The call that places it, or that asks for its price where there are two phases."""
    CONFIRM = "confirm"
    """The call that takes the money, after a price was held."""
    POLL = "poll"
    """Ask its provider where it stands."""
    CANCEL = "cancel"
    """Answer the wish to call it off, by a call where its provider has one."""
    RECONCILE = "reconcile"
    """Ask its provider what became of a call whose outcome is unknown."""


_L = LineState
_LINE_ENDS: Final = frozenset({_L.DELIVERED, _L.REFUSED, _L.FAILED, _L.CANCELLED, _L.EXPIRED})

LINE_MOVES: Final[Mapping[LineState, frozenset[LineState]]] = {
    _L.WAITING: _LINE_ENDS | {_L.QUOTED, _L.ACCEPTED, _L.PARTIALLY_DELIVERED, _L.IN_DOUBT},
    # A new quote of what was quoted is the only move to where a line is.
    _L.QUOTED: _LINE_ENDS | {_L.QUOTED, _L.ACCEPTED, _L.PARTIALLY_DELIVERED, _L.IN_DOUBT},
    _L.IN_DOUBT: _LINE_ENDS | {_L.QUOTED, _L.ACCEPTED, _L.PARTIALLY_DELIVERED},
    _L.ACCEPTED: frozenset({_L.PARTIALLY_DELIVERED, _L.DELIVERED, _L.FAILED, _L.CANCELLED}),
    _L.PARTIALLY_DELIVERED: frozenset({_L.DELIVERED, _L.FAILED, _L.CANCELLED}),
    _L.DELIVERED: frozenset(),
    _L.REFUSED: frozenset(),
    _L.FAILED: frozenset(),
    _L.CANCELLED: frozenset(),
    _L.EXPIRED: frozenset(),
}

CALLED_OFF: Final = frozenset(
    {_L.WAITING, _L.QUOTED, _L.IN_DOUBT, _L.ACCEPTED, _L.PARTIALLY_DELIVERED, _L.DELIVERED}
)
"""Lines that end as cancelled when their provider agreed to call the order off. It is the only
way out of ``delivered``: goods that are given back."""

_O = OrderState
_ORDER_ENDS: Final = frozenset(
    {_O.FULFILLED, _O.PARTIALLY_FULFILLED, _O.REFUSED, _O.EXPIRED, _O.FAILED, _O.CANCELLED}
)

ORDER_MOVES: Final[Mapping[OrderState, frozenset[OrderState]]] = {
    _O.ACCEPTED: frozenset({_O.PLACING, _O.REFUSED, _O.EXPIRED, _O.CANCELLED, _O.PARKED}),
    _O.PLACING: _ORDER_ENDS | {_O.PLACING, _O.QUOTED, _O.PLACED, _O.IN_DOUBT, _O.PARKED},
    _O.QUOTED: frozenset(
        {_O.PLACING, _O.CONFIRMING, _O.REFUSED, _O.EXPIRED, _O.CANCELLED, _O.IN_DOUBT, _O.PARKED}
    ),
    _O.CONFIRMING: _ORDER_ENDS | {_O.PLACING, _O.CONFIRMING, _O.PLACED, _O.IN_DOUBT, _O.PARKED},
    _O.IN_DOUBT: _ORDER_ENDS
    | {_O.IN_DOUBT, _O.PLACING, _O.QUOTED, _O.CONFIRMING, _O.PLACED, _O.PARKED},
    _O.PLACED: _ORDER_ENDS | {_O.PLACED, _O.PARKED},
    _O.PARKED: _ORDER_ENDS
    | {_O.PARKED, _O.PLACING, _O.QUOTED, _O.CONFIRMING, _O.PLACED, _O.IN_DOUBT},
    _O.FULFILLED: frozenset(),
    _O.PARTIALLY_FULFILLED: frozenset(),
    _O.REFUSED: frozenset(),
    _O.EXPIRED: frozenset(),
    _O.FAILED: frozenset(),
    _O.CANCELLED: frozenset(),
}

GIVEN_BACK: Final = frozenset({_O.FULFILLED, _O.PARTIALLY_FULFILLED})
"""Finished orders that may still be called off, where a provider takes goods back."""

UNDER_WAY: Final[Mapping[Step, OrderState]] = {
    Step.PLACE: _O.PLACING,
    Step.CONFIRM: _O.CONFIRMING,
}
"""The state of an order while one of the calls that may commit money is made, or will be."""

TERMINAL_LINES: Final = frozenset(state for state, to in LINE_MOVES.items() if not to)
TERMINAL_ORDERS: Final = frozenset(state for state, to in ORDER_MOVES.items() if not to)

_ALL_SAME: Final[Mapping[LineState, OrderState]] = {
    _L.DELIVERED: _O.FULFILLED,
    _L.REFUSED: _O.REFUSED,
    _L.EXPIRED: _O.EXPIRED,
    _L.CANCELLED: _O.CANCELLED,
    _L.FAILED: _O.FAILED,
}


def may_move(line: LineState, to: LineState) -> bool:
    """Whether a line may go from one state to another."""
    return to in LINE_MOVES[line]


def final_state(lines: Iterable[LineState]) -> OrderState | None:
    """The state of an order whose lines have all ended, or ``None`` while one has not."""
    states = set(lines)
    if not states <= TERMINAL_LINES:
        return None
    if len(states) == 1:
        return _ALL_SAME[states.pop()]
    return _O.PARTIALLY_FULFILLED if _L.DELIVERED in states else _O.FAILED
