"""The transitions as data: nothing unclassified, nothing unreachable, nothing for ever."""

import ast
import inspect
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import product
from typing import TypeVar

import pytest

from schemas.notifications import EventType
from worker import lifecycle
from worker.lifecycle import (
    CALLED_OFF,
    GIVEN_BACK,
    LINE_MOVES,
    ORDER_MOVES,
    TERMINAL_LINES,
    TERMINAL_ORDERS,
    UNDER_WAY,
    LineState,
    OrderState,
    Step,
    final_state,
    may_move,
)

State = TypeVar("State", LineState, OrderState)
L, O = LineState, OrderState  # noqa: E741 -- short names keep the table below readable


def reachable(start: State, moves: Mapping[State, Iterable[State]]) -> set[State]:
    seen, waiting = {start}, [start]
    while waiting:
        for state in moves[waiting.pop()]:
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    return seen


LINES = """
                     waiting
                     . quoted
                     . . accepted
                     . . . partially_delivered
                     . . . . in_doubt
                     . . . . . delivered
                     . . . . . . refused
                     . . . . . . . failed
                     . . . . . . . . cancelled
                     . . . . . . . . . expired
waiting              . x x x x x x x x x
quoted               . x x x x x x x x x
accepted             . . . x . x . x x .
partially_delivered  . . . . . x . x x .
in_doubt             . x x x . x x x x x
delivered            . . . . . . . . . .
refused              . . . . . . . . . .
failed               . . . . . . . . . .
cancelled            . . . . . . . . . .
expired              . . . . . . . . . .
"""
ORDERS = """
                     accepted
                     . placing
                     . . quoted
                     . . . confirming
                     . . . . placed
                     . . . . . in_doubt
                     . . . . . . parked
                     . . . . . . . fulfilled
                     . . . . . . . . partially_fulfilled
                     . . . . . . . . . refused
                     . . . . . . . . . . expired
                     . . . . . . . . . . . failed
                     . . . . . . . . . . . . cancelled
accepted             . x . . . . x . . x x . x
placing              . x x . x x x x x x x x x
quoted               . x . x . x x . . x x . x
confirming           . x . x x x x x x x x x x
placed               . . . . x . x x x x x x x
in_doubt             . x x x x x x x x x x x x
parked               . x x x x x x x x x x x x
fulfilled            . . . . . . . . . . . . .
partially_fulfilled  . . . . . . . . . . . . .
refused              . . . . . . . . . . . . .
expired              . . . . . . . . . . . . .
failed               . . . . . . . . . . . . .
cancelled            . . . . . . . . . . . . .
"""
"""Every move there is, from the left to the top: whoever adds or drops one says so here, too."""


def drawn(table: str) -> dict[str, set[str]]:
    rows = [line.split() for line in table.strip().splitlines()]
    states = [row[-1] for row in rows if row[-1] not in {"x", "."}]
    moves = {row[0]: row[1:] for row in rows[len(states) :]}
    return {
        state: {to for to, mark in zip(states, marks, strict=True) if mark == "x"}
        for state, marks in moves.items()
    }


@pytest.mark.parametrize(
    ("table", "moves"), [(LINES, LINE_MOVES), (ORDERS, ORDER_MOVES)], ids=["lines", "orders"]
)
def test_the_moves_are_those_that_are_drawn(
    table: str, moves: Mapping[StrEnum, frozenset[StrEnum]]
) -> None:
    assert {str(state): {str(to) for to in tos} for state, tos in moves.items()} == drawn(table)


def test_what_may_be_called_off_has_come_to_no_end_or_was_delivered() -> None:
    assert {*L} - TERMINAL_LINES | {L.DELIVERED} == CALLED_OFF
    assert {O.FULFILLED, O.PARTIALLY_FULFILLED} == GIVEN_BACK


def test_the_calls_that_may_commit_money_have_a_state_each() -> None:
    assert {Step.PLACE: O.PLACING, Step.CONFIRM: O.CONFIRMING} == UNDER_WAY


def test_every_state_is_classified() -> None:
    assert set(LINE_MOVES) == set(LineState)
    assert set(ORDER_MOVES) == set(OrderState)


def test_every_state_can_be_reached_from_the_first_one() -> None:
    assert reachable(L.WAITING, LINE_MOVES) == set(LineState)
    assert reachable(O.ACCEPTED, ORDER_MOVES) == set(OrderState)


@pytest.mark.parametrize("line", LineState)
def test_every_line_can_still_come_to_an_end(line: LineState) -> None:
    assert reachable(line, LINE_MOVES) & TERMINAL_LINES


@pytest.mark.parametrize("order", OrderState)
def test_every_order_can_still_come_to_an_end(order: OrderState) -> None:
    assert reachable(order, ORDER_MOVES) & TERMINAL_ORDERS


def test_what_has_ended_stays_as_it_is() -> None:
    assert {L.DELIVERED, L.REFUSED, L.FAILED, L.CANCELLED, L.EXPIRED} == TERMINAL_LINES
    assert {
        O.FULFILLED,
        O.PARTIALLY_FULFILLED,
        O.REFUSED,
        O.EXPIRED,
        O.FAILED,
        O.CANCELLED,
    } == TERMINAL_ORDERS
    assert not any(may_move(end, to) for end, to in product(TERMINAL_LINES, LineState))


def test_a_line_moves_to_where_it_is_only_when_it_is_quoted_anew() -> None:
    assert [state for state in LineState if may_move(state, state)] == [L.QUOTED]


def test_nothing_is_waited_for_twice() -> None:
    assert not any(L.WAITING in moves for moves in LINE_MOVES.values())
    assert not any(O.ACCEPTED in moves for moves in ORDER_MOVES.values())


def test_a_line_that_was_taken_on_is_never_refused_doubted_or_quoted_again() -> None:
    for taken_on in (L.ACCEPTED, L.PARTIALLY_DELIVERED):
        assert not LINE_MOVES[taken_on] & {L.REFUSED, L.EXPIRED, L.IN_DOUBT, L.QUOTED}


def test_each_state_a_line_can_move_to_has_its_event() -> None:
    told = {state for moves in LINE_MOVES.values() for state in moves}
    moves = set(EventType) - {EventType.LINE_CANCEL_REFUSED}
    assert {EventType(f"line.{state}") for state in told} == moves


@pytest.mark.parametrize(
    ("lines", "order"),
    [
        ([L.DELIVERED], O.FULFILLED),
        ([L.DELIVERED, L.DELIVERED], O.FULFILLED),
        ([L.REFUSED, L.REFUSED], O.REFUSED),
        ([L.EXPIRED], O.EXPIRED),
        ([L.CANCELLED, L.CANCELLED], O.CANCELLED),
        ([L.FAILED], O.FAILED),
        ([L.DELIVERED, L.REFUSED], O.PARTIALLY_FULFILLED),
        ([L.FAILED, L.CANCELLED, L.DELIVERED], O.PARTIALLY_FULFILLED),
        ([L.REFUSED, L.CANCELLED], O.FAILED),
        ([L.DELIVERED, L.REFUSED, L.FAILED, L.CANCELLED, L.EXPIRED], O.PARTIALLY_FULFILLED),
        ([L.DELIVERED, L.ACCEPTED], None),
        ([L.PARTIALLY_DELIVERED], None),
        ([L.IN_DOUBT, L.REFUSED], None),
    ],
)
def test_an_orders_end_follows_from_its_lines(
    lines: list[LineState], order: OrderState | None
) -> None:
    assert final_state(lines) == order


def test_an_order_ends_exactly_when_all_its_lines_have() -> None:
    for lines in product(LineState, repeat=2):
        ended = final_state(lines)
        assert (ended is not None) == (set(lines) <= TERMINAL_LINES)
        assert ended is None or ended in TERMINAL_ORDERS
        assert ended == final_state(reversed(lines))


@pytest.mark.parametrize("enum", [LineState, OrderState])
def test_every_state_says_what_it_means(enum: type[StrEnum]) -> None:
    module = ast.parse(inspect.getsource(lifecycle))
    (body,) = [
        node.body
        for node in module.body
        if isinstance(node, ast.ClassDef) and node.name == enum.__name__
    ]
    for state, meaning in zip(body[1::2], body[2::2], strict=True):
        assert isinstance(state, ast.Assign)
        assert isinstance(meaning, ast.Expr)
        assert isinstance(meaning.value, ast.Constant)
        assert str(meaning.value.value).endswith(".")
    assert len(body) == 1 + 2 * len(enum)
