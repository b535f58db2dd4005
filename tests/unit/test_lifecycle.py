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
    LINE_MOVES,
    ORDER_MOVES,
    TERMINAL_LINES,
    TERMINAL_ORDERS,
    LineState,
    OrderState,
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
