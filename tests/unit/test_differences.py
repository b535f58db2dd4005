"""In what a provider's books can differ from ours, and the rule for each difference."""

from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any, Final

import pytest

from schemas.ids import OrderId, new_uuid
from schemas.money import Money
from tests.builders import NOW
from worker.books import BookEntry, Difference, DifferenceKind, OurLine, OurOrder, Rule
from worker.decisions.differences import compare, stranger, whole_state
from worker.lifecycle import TERMINAL_LINES, LineState, OrderState, final_state

L, S, K = LineState, OrderState, DifferenceKind

TOLD: Final = (
    L.QUOTED, L.ACCEPTED, L.PARTIALLY_DELIVERED, L.DELIVERED,
    L.REFUSED, L.FAILED, L.CANCELLED, L.EXPIRED, None,
)  # fmt: skip
"""What an entry may say; ``None``: a word that nobody documented."""

RULES: Final = {
    # theirs:              q a p d  r f c e  ?
    L.WAITING:             ". m m m  . . . .  .",
    L.QUOTED:              ". m m m  . . . .  .",
    L.IN_DOUBT:            ". m m m  . . . .  .",
    L.ACCEPTED:            "p . m m  p m m p  .",
    L.PARTIALLY_DELIVERED: "p p . m  p m m p  .",
    L.DELIVERED:           "p p p .  p p p p  .",
    L.REFUSED:             ". s s s  . . . .  .",
    L.FAILED:              ". s s s  . . . .  .",
    L.CANCELLED:           ". s s s  . . . .  .",
    L.EXPIRED:             ". s s s  . . . .  .",
}  # fmt: skip
"""By our state of an order: what each of theirs means. ``m``ove, ``p``ark, ``s``urplus."""

MEANT: Final = {
    "m": (K.STATUS_DIFFERS, Rule.MOVE),
    "p": (K.STATUS_DIFFERS, Rule.PARK),
    "s": (K.SURPLUS_ORDER, Rule.PARK),
}
STATES: Final = {
    L.WAITING: S.PLACING,
    L.QUOTED: S.CONFIRMING,
    L.IN_DOUBT: S.IN_DOUBT,
    L.ACCEPTED: S.PLACED,
    L.PARTIALLY_DELIVERED: S.PLACED,
}
COMBINATIONS: Final = [
    (ours, theirs, letter)
    for ours, row in RULES.items()
    for theirs, letter in zip(TOLD, row.split(), strict=True)
]
Seen = tuple[DifferenceKind, Rule, str]

PRICE: Final = Money(Decimal("10.00"), "EUR")


def an_order(*lines: LineState, ref: str | None = "9", **fields: Any) -> OurOrder:
    """An order with lines in these states, known there as ``ref``."""
    state = final_state(lines) or next(
        (STATES[each] for each in lines if each not in TERMINAL_LINES), S.PLACED
    )
    return OurOrder(
        **{
            "order_id": OrderId(new_uuid()),
            "state": state,
            "provider_ref": ref,
            "lines": [
                OurLine(line_ref=f"ref-{n}", provider_line_ref=f"55{n}", state=each)
                for n, each in enumerate(lines)
            ],
            **fields,
        }
    )


def an_entry(
    state: LineState | None, line: int | None = None, ref: str = "9", **fields: Any
) -> BookEntry:
    """An entry of the order there, or of one of its lines."""
    facts: dict[str, Any] = {
        "provider_ref": ref,
        "provider_line_ref": "" if line is None else f"55{line}",
        "ref": None if line is None else f"ref-{line}",
        "state": state,
        "said": "x" if state is None else str(state),
    }
    return BookEntry(**facts | fields)


def seen(ours: OurOrder, *entries: BookEntry) -> list[Seen]:
    return [(each.kind, each.rule, each.line) for each in compare(ours, entries)]


def prices(ours: OurOrder, *entries: BookEntry) -> list[Difference]:
    return [each for each in compare(ours, entries) if each.kind is K.PRICE_DIFFERS]


# --- where an order stands -----------------------------------------------------------------------


def test_the_table_knows_every_state() -> None:
    assert set(RULES) == set(LineState)
    assert {*TOLD} == {*LineState, None} - {L.WAITING, L.IN_DOUBT}


@pytest.mark.parametrize(("ours", "theirs", "letter"), COMBINATIONS)
def test_each_state_beside_each_of_theirs_has_its_rule(
    ours: LineState, theirs: LineState | None, letter: str
) -> None:
    expected = [(*MEANT[letter], "")] if letter != "." else []
    assert seen(an_order(ours), an_entry(theirs)) == expected
    by_line = [(*MEANT[letter], "550")] if letter != "." else []
    assert seen(an_order(ours), an_entry(theirs, 0)) == by_line


@pytest.mark.parametrize(("ours", "theirs", "letter"), COMBINATIONS)
def test_what_was_given_back_or_stands_among_the_surplus_orders_is_no_surplus(
    ours: LineState, theirs: LineState | None, letter: str
) -> None:
    expected = [] if letter in ".s" else [(*MEANT[letter], "")]
    returned = an_entry(L.DELIVERED, ref="10", gives_back="9")
    assert seen(an_order(ours), an_entry(theirs), returned) == expected
    known = an_order(ours, surplus=frozenset({"9"}))
    assert seen(known, an_entry(theirs)) == expected


@pytest.mark.parametrize(("ours", "theirs", "letter"), COMBINATIONS)
def test_of_a_parked_order_only_what_may_take_it_out_of_its_doubt_counts(
    ours: LineState, theirs: LineState | None, letter: str
) -> None:
    parked = an_order(ours, state=S.PARKED)
    doubtful = ours in {L.WAITING, L.QUOTED, L.IN_DOUBT}
    expected = [(*MEANT["m"], "")] if doubtful and letter == "m" else []
    assert seen(parked, an_entry(theirs)) == expected


def test_a_return_that_came_to_nothing_gives_nothing_back() -> None:
    failed = an_entry(L.FAILED, ref="10", gives_back="9")
    assert seen(an_order(L.CANCELLED), an_entry(L.DELIVERED), failed) == [(*MEANT["s"], "")]


def test_a_return_of_another_order_is_one_too_many() -> None:
    other = an_entry(L.DELIVERED, ref="10", gives_back="8")
    assert seen(an_order(L.DELIVERED), an_entry(L.DELIVERED), other) == [(*MEANT["s"], "")]


# --- several lines -------------------------------------------------------------------------------


def test_each_line_is_held_beside_its_own_entry() -> None:
    ours = an_order(L.ACCEPTED, L.ACCEPTED, L.DELIVERED)
    entries = an_entry(L.DELIVERED, 0), an_entry(L.ACCEPTED, 1), an_entry(L.FAILED, 2)
    assert seen(ours, *entries) == [(*MEANT["m"], "550"), (*MEANT["p"], "552")]


def test_a_line_is_known_by_the_providers_id_where_the_entry_bears_no_reference() -> None:
    ours = an_order(L.ACCEPTED, L.DELIVERED)
    nameless = [replace(an_entry(L.DELIVERED, line), ref=None) for line in (0, 1)]
    assert seen(ours, *nameless) == [(*MEANT["m"], "550")]


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        ((L.ACCEPTED, L.ACCEPTED), L.ACCEPTED),
        ((L.DELIVERED, L.FAILED), L.DELIVERED),
        ((L.REFUSED, L.CANCELLED), L.FAILED),
        ((L.DELIVERED, L.ACCEPTED), L.PARTIALLY_DELIVERED),
        ((L.ACCEPTED, L.PARTIALLY_DELIVERED), L.PARTIALLY_DELIVERED),
        ((L.ACCEPTED, L.REFUSED), L.ACCEPTED),
        ((L.WAITING, L.IN_DOUBT), L.IN_DOUBT),
    ],
)
def test_an_entry_of_the_whole_order_is_held_beside_all_its_lines(
    lines: tuple[LineState, ...], whole: LineState
) -> None:
    ours = an_order(*lines)
    assert whole_state(ours.lines) is whole
    assert seen(ours, an_entry(whole)) == []


def test_a_line_that_ended_in_vain_here_and_lives_there_is_no_whole_order_too_many() -> None:
    """The order itself is ours: it must not stand among what is to be given back."""
    ours = an_order(L.DELIVERED, L.REFUSED)
    entries = an_entry(L.DELIVERED, 0), an_entry(L.DELIVERED, 1)
    assert seen(ours, *entries) == [(*MEANT["p"], "551")]
    ours = an_order(L.REFUSED, L.ACCEPTED)
    assert seen(ours, *entries) == [(*MEANT["p"], "550"), (*MEANT["m"], "551")]


def test_an_order_that_ended_in_vain_and_lives_there_is_one_too_many_once() -> None:
    ours = an_order(L.REFUSED, L.REFUSED)
    entries = an_entry(L.DELIVERED, 0), an_entry(L.DELIVERED, 1)
    assert seen(ours, *entries) == [(*MEANT["s"], "550")]


# --- what is not there ---------------------------------------------------------------------------


@pytest.mark.parametrize("line", LineState)
def test_what_was_placed_and_is_not_there_is_parked(line: LineState) -> None:
    placed = line in {L.ACCEPTED, L.PARTIALLY_DELIVERED, L.DELIVERED}
    expected = [(K.MISSING_THERE, Rule.PARK, "")] if placed else []
    assert seen(an_order(line)) == expected
    assert seen(an_order(line, ref=None)) == []
    assert seen(an_order(line, state=S.PARKED)) == []


def test_a_line_that_is_not_there_beside_its_others_is_missing() -> None:
    ours = an_order(L.ACCEPTED, L.DELIVERED, L.REFUSED)
    assert seen(ours, an_entry(L.ACCEPTED, 0)) == [(K.MISSING_THERE, Rule.PARK, "551")]
    assert seen(ours, an_entry(L.DELIVERED, 1)) == [(K.MISSING_THERE, Rule.PARK, "550")]


def test_no_line_is_missing_where_some_entry_cannot_be_told_apart() -> None:
    ours = an_order(L.ACCEPTED, L.ACCEPTED)
    unknown = replace(an_entry(L.ACCEPTED, 7), ref=None)
    assert K.MISSING_THERE not in {
        kind for kind, *_ in seen(ours, an_entry(L.ACCEPTED, 0), unknown)
    }


# --- further orders there ------------------------------------------------------------------------


def test_what_bears_our_reference_is_attached_where_nothing_was_known_to_be_there() -> None:
    attached = (K.MISSING_HERE, Rule.ATTACH, "")
    for state in (S.ACCEPTED, S.PLACING, S.IN_DOUBT, S.PARKED):
        ours = an_order(L.IN_DOUBT, ref=None, state=state)
        assert seen(ours, an_entry(L.ACCEPTED)) == [attached]
        assert seen(ours, an_entry(None)) == [attached]
        assert seen(ours, an_entry(L.CANCELLED)) == []


def test_of_two_the_older_is_attached_and_the_other_is_one_too_many() -> None:
    young = an_entry(L.ACCEPTED, 0, ref="2", placed_at=NOW)
    old = an_entry(L.ACCEPTED, 0, ref="3", placed_at=NOW - timedelta(hours=1))
    undated = an_entry(L.ACCEPTED, 0, ref="1")
    ours = an_order(L.IN_DOUBT, ref=None)
    found = [(each.rule, each.provider_ref) for each in compare(ours, [undated, young, old])]
    assert found == [(Rule.ATTACH, "3"), (Rule.PARK, "2"), (Rule.PARK, "1")]


def test_an_orders_age_is_told_by_its_time_and_not_by_how_that_is_written() -> None:
    """Two entries may name the same day in different zones."""
    east = NOW.astimezone(timezone(timedelta(hours=14)))
    later = an_entry(L.ACCEPTED, ref="2", placed_at=NOW + timedelta(hours=1))
    earlier = an_entry(L.ACCEPTED, ref="3", placed_at=east)
    [first, _] = compare(an_order(L.IN_DOUBT, ref=None), [later, earlier])
    assert first.provider_ref == "3"


@pytest.mark.parametrize("line", LineState)
def test_two_copies_are_two_too_many_until_they_are_known(line: LineState) -> None:
    ours, own = an_order(line), an_entry(line if line in TOLD else L.QUOTED)
    copies = [an_entry(L.ACCEPTED, ref=ref) for ref in ("10", "11")]
    assert seen(ours, own, *copies) == [(*MEANT["s"], "")] * 2
    assert [each.provider_ref for each in compare(ours, [own, *copies])] == ["10", "11"]
    known = replace(ours, surplus=frozenset({"10", "11"}))
    assert seen(known, own, *copies) == []


@pytest.mark.parametrize("state", [S.REFUSED, S.EXPIRED, S.FAILED, S.CANCELLED])
def test_what_lives_there_of_an_order_that_ended_without_it_is_one_too_many(
    state: OrderState,
) -> None:
    ours = an_order(L.REFUSED, ref=None, state=state)
    assert seen(ours, an_entry(L.ACCEPTED)) == [(*MEANT["s"], "")]


def test_a_stranger_is_reported_only_where_it_costs_something() -> None:
    for theirs in TOLD:
        found = stranger(an_entry(theirs))
        costs = theirs in {L.ACCEPTED, L.PARTIALLY_DELIVERED, L.DELIVERED, None}
        assert (found is not None) == costs
        if found is not None:
            assert (found.kind, found.rule) == (K.MISSING_HERE, Rule.REPORT)
            assert found.order_id is None


# --- prices --------------------------------------------------------------------------------------


def lines_at(*amounts: str, currency: str = "EUR") -> list[BookEntry]:
    return [
        an_entry(L.DELIVERED, n, price=Money(Decimal(amount), currency))
        for n, amount in enumerate(amounts)
    ]


def test_prices_are_added_exactly() -> None:
    ours = an_order(L.DELIVERED, L.DELIVERED, total=Money(Decimal("0.3"), "EUR"))
    assert prices(ours, *lines_at("0.1", "0.2")) == []
    assert (
        prices(replace(ours, total=Money(Decimal("0.300000"), "EUR")), *lines_at("0.1", "0.2"))
        == []
    )


@pytest.mark.parametrize(
    ("limit", "theirs", "currency", "rule"),
    [
        (None, "99.00", "EUR", Rule.RECORD),
        ("12.00", "11.00", "EUR", Rule.RECORD),
        ("12.00", "12.00", "EUR", Rule.RECORD),
        ("12.00", "12.01", "EUR", Rule.ALERT),
        ("12.00", "1.00", "USD", Rule.ALERT),
        (None, "10.00", "USD", Rule.RECORD),
        ("12.00", "10.00", "EUR", None),
        ("9.00", "10.00", "EUR", Rule.ALERT),
    ],
)
def test_a_price_is_recorded_within_the_limit_and_alarms_above_it(
    limit: str | None, theirs: str, currency: str, rule: Rule | None
) -> None:
    """The last one was charged above its limit when it was placed: nothing differs, it alarms."""
    ours = an_order(L.DELIVERED, total=PRICE, max_total=limit and Money(Decimal(limit), "EUR"))
    entry = an_entry(L.DELIVERED, price=Money(Decimal(theirs), currency))
    found = prices(ours, entry)
    assert [each.rule for each in found] == ([] if rule is None else [rule])
    assert all(each.total == entry.price for each in found)


def test_a_price_that_was_not_known_is_recorded() -> None:
    [found] = prices(an_order(L.DELIVERED), an_entry(L.DELIVERED, price=PRICE))
    assert (found.rule, found.ours) == (Rule.RECORD, "unknown")


def test_of_a_partial_listing_no_total_is_made() -> None:
    ours = an_order(L.DELIVERED, L.DELIVERED, L.DELIVERED, total=PRICE)
    assert prices(ours, *lines_at("1.00", "2.00")) == []
    unpriced = [replace(each, price=None) for each in lines_at("1.00")]
    assert (
        prices(
            ours,
            *lines_at("1.00", "2.00"),
            replace(unpriced[0], provider_line_ref="552", ref="ref-2"),
        )
        == []
    )
    mixed = [
        *lines_at("1.00", "2.00"),
        replace(lines_at("3.00", currency="USD")[0], provider_line_ref="552", ref="ref-2"),
    ]
    assert prices(ours, *mixed) == []


def test_a_part_without_line_ids_is_a_part_all_the_same() -> None:
    ours = an_order(L.DELIVERED, L.DELIVERED, total=PRICE)
    part = replace(lines_at("4.00")[0], provider_line_ref="")
    assert prices(ours, part) == []


def test_a_line_that_costs_nothing_any_more_is_no_part_of_the_total() -> None:
    ours = an_order(L.DELIVERED, L.CANCELLED, total=Money(Decimal("3.00"), "EUR"))
    dead = an_entry(L.CANCELLED, 1, price=Money(Decimal("7.00"), "EUR"))
    assert prices(ours, *lines_at("3.00"), dead) == []
    assert [each.total for each in prices(replace(ours, total=PRICE), *lines_at("3.00"), dead)] == [
        Money(Decimal("3.00"), "EUR")
    ]


def test_what_a_person_has_the_word_of_has_no_price() -> None:
    ours = an_order(L.ACCEPTED, state=S.PARKED, total=PRICE)
    assert prices(ours, an_entry(L.ACCEPTED, price=Money(Decimal(99), "EUR"))) == []
