"""From a provider's reports to moves of lines, and what the producer is told of them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import Money
from schemas.notifications import EventType
from tests.builders import a_claimed, reports
from worker.lifecycle import LineState, OrderState, may_move
from worker.moves import breach, ended_as, line_moves
from worker.outcome import Goods, LineReport

L = LineState


def lira(amount: str) -> Money:
    return Money(Decimal(amount), "TRY")


def test_a_line_goes_where_its_report_says_and_the_others_to_the_default() -> None:
    claimed = a_claimed(L.WAITING, L.WAITING, L.WAITING)
    moves = line_moves(claimed, reports(claimed, L.DELIVERED, L.REFUSED), L.ACCEPTED)
    assert [move.to for move in moves] == [L.DELIVERED, L.REFUSED, L.ACCEPTED]
    assert [move.line_id for move in moves] == [line.line_id for line in claimed.order.lines]


def test_a_report_about_a_line_that_is_not_ours_is_ignored() -> None:
    claimed = a_claimed(L.ACCEPTED)
    assert line_moves(claimed, [LineReport("somebody-elses", L.FAILED)], L.ACCEPTED) == ()


@given(st.sampled_from(L), st.sampled_from(L))
def test_only_what_the_transitions_allow_is_ever_told(state: LineState, said: LineState) -> None:
    claimed = a_claimed(state)
    moves = line_moves(claimed, reports(claimed, said), L.ACCEPTED)
    assert [move.to for move in moves] == ([said] if may_move(state, said) else [])


def test_a_move_tells_the_producer_everything_it_needs() -> None:
    claimed = a_claimed(L.WAITING, sequence=4, provider_ref="old")
    report = LineReport(
        "ref-0",
        L.DELIVERED,
        provider_line_ref="their-line",
        price=lira("19.90"),
        goods=Goods(({"code": "ABCD"},)),
        reason="there you are",
    )
    (move,) = line_moves(claimed, [report], L.ACCEPTED, provider_ref="new")
    assert move.type is EventType.LINE_DELIVERED
    assert move.price == lira("19.90")
    assert move.goods == report.goods
    assert move.news.model_dump(exclude_none=True) == {
        "intent_id": "i-1",
        "producer": "shop",
        "order_id": str(claimed.order.order_id),
        "deliver_id": "d-1",
        "sequence": 5,
        "provider": "hyperteknoloji",
        "state": "delivered",
        "provider_ref": "new",
        "provider_line_ref": "their-line",
        "price": {"amount": "19.90", "currency": "TRY"},
        "reason": "there you are",
    }


def test_what_was_known_before_is_told_again_where_a_report_is_silent() -> None:
    claimed = a_claimed(L.ACCEPTED, provider_ref="known")
    (line,) = claimed.order.lines
    knowing = replace(line, provider_line_ref="known-line")
    claimed = replace(claimed, order=replace(claimed.order, lines=(knowing,)))
    (move,) = line_moves(claimed, reports(claimed, L.DELIVERED), L.ACCEPTED)
    assert (move.news.provider_ref, move.news.provider_line_ref) == ("known", "known-line")


def test_the_codes_are_not_in_what_is_told_before_they_are_sealed() -> None:
    claimed = a_claimed(L.ACCEPTED)
    report = LineReport("ref-0", L.DELIVERED, goods=Goods(({"code": "ABCD-1234"},)))
    (move,) = line_moves(claimed, [report], L.ACCEPTED)
    assert "ABCD-1234" not in move.news.model_dump_json()
    assert "ABCD-1234" not in repr(move)


def test_an_order_ends_with_the_move_of_its_last_open_line() -> None:
    claimed = a_claimed(L.DELIVERED, L.ACCEPTED, L.ACCEPTED)
    one = line_moves(claimed, reports(claimed, L.DELIVERED, L.CANCELLED), L.ACCEPTED)
    assert ended_as(claimed, one) is None
    all_of_them = line_moves(claimed, (), L.CANCELLED)
    assert ended_as(claimed, all_of_them) is OrderState.PARTIALLY_FULFILLED


@pytest.mark.parametrize(
    ("limit", "asked"),
    [
        (lira("19.90"), lira("19.90")),
        (lira("19.90"), lira("19.8999")),
        (lira("19.90"), None),
        (None, lira("1000000")),
        (lira("19.9"), lira("19.900")),
    ],
)
def test_a_price_up_to_the_limit_keeps_it(limit: Money | None, asked: Money | None) -> None:
    assert breach(limit, asked) is None


@pytest.mark.parametrize("asked", [lira("19.9000001"), Money(Decimal("0.01"), "EUR")])
def test_a_price_above_the_limit_or_in_another_currency_breaks_it(asked: Money) -> None:
    assert str(asked) in (breach(lira("19.90"), asked) or "")
