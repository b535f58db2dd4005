"""What holds for every comparison, whatever our books say and whatever theirs."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import OrderId, new_uuid
from schemas.money import Money
from tests.builders import NOW
from worker.books import BookEntry, DifferenceKind, OurLine, OurOrder, Rule
from worker.decisions.differences import compare, stranger, whole_state
from worker.lifecycle import TERMINAL_LINES, TERMINAL_ORDERS, LineState, OrderState, final_state

L, S = LineState, OrderState

refs = st.sampled_from(["9", "10", "11"])
money = st.one_of(
    st.none(), st.builds(Money, st.decimals(0, 99, places=3), st.sampled_from(["TRY", "EUR"]))
)
line_states = st.lists(st.sampled_from(L), min_size=1, max_size=3)
moments = st.one_of(st.none(), st.timedeltas().map(lambda _: NOW), st.just(NOW))


@st.composite
def our_orders(draw: st.DrawFn) -> OurOrder:
    """Any order, also one that cannot be."""
    states = draw(line_states)
    return OurOrder(
        order_id=OrderId(new_uuid()),
        state=draw(st.sampled_from(S)),
        provider_ref=draw(st.one_of(st.none(), refs)),
        lines=[
            OurLine(
                line_ref=f"ref-{n}",
                provider_line_ref=draw(st.sampled_from([None, f"55{n}"])),
                state=state,
            )
            for n, state in enumerate(states)
        ],
        total=draw(money),
        max_total=draw(money),
        surplus=draw(st.frozensets(refs)),
    )


entries = st.lists(
    st.builds(
        BookEntry,
        provider_ref=refs,
        provider_line_ref=st.sampled_from(["", "550", "551", "552", "557"]),
        ref=st.sampled_from([None, "ref-0", "ref-1", "ref-2", "else"]),
        state=st.one_of(st.none(), st.sampled_from(L)),
        said=st.just("x"),
        price=money,
        placed_at=moments,
        gives_back=st.one_of(st.none(), refs),
    ),
    max_size=6,
    unique_by=lambda entry: (entry.provider_ref, entry.provider_line_ref),
)
"""What a run keeps: each order, or each line of it, once."""


@given(our_orders(), entries)
def test_differences_are_told_apart_and_at_most_one_order_is_attached(
    ours: OurOrder, theirs: list[BookEntry]
) -> None:
    found = compare(ours, theirs)
    keys = Counter((each.kind, each.provider_ref, each.line) for each in found)
    assert max(keys.values(), default=1) == 1
    attached = [each for each in found if each.rule is Rule.ATTACH]
    assert len(attached) <= 1
    assert not attached or (ours.provider_ref is None and ours.state not in TERMINAL_ORDERS)
    assert all(each.order_id == ours.order_id for each in found)
    assert {each.rule for each in found if each.kind is DifferenceKind.SURPLUS_ORDER} <= {Rule.PARK}
    for each in found:
        assert each.rule is not Rule.REPORT
        assert (each.total is not None) == (each.kind is DifferenceKind.PRICE_DIFFERS)
        named = each.provider_ref is not None and each.provider_ref in ours.surplus
        assert not (each.kind is DifferenceKind.SURPLUS_ORDER and named)


@given(our_orders(), entries)
def test_of_a_parked_order_no_difference_parks_or_prices_it(
    ours: OurOrder, theirs: list[BookEntry]
) -> None:
    for each in compare(replace(ours, state=S.PARKED), theirs):
        assert each.rule in {Rule.MOVE, Rule.ATTACH} or (
            each.kind is DifferenceKind.SURPLUS_ORDER and each.provider_ref != ours.provider_ref
        )


@given(our_orders(), entries, st.randoms())
def test_in_which_order_entries_are_read_does_not_matter(
    ours: OurOrder, theirs: list[BookEntry], chance: object
) -> None:
    by_line = {entry.ref or entry.provider_line_ref for entry in theirs}
    if len(by_line) < len(theirs):
        return  # two entries that claim to be one line: the later one is taken
    shuffled = list(theirs)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # it is a Random
    keys = {(each.kind, each.provider_ref, each.line, each.rule) for each in compare(ours, theirs)}
    again = {(d.kind, d.provider_ref, d.line, d.rule) for d in compare(ours, shuffled)}
    assert again == keys


@given(entries)
def test_a_stranger_is_reported_or_costs_nothing(theirs: list[BookEntry]) -> None:
    for entry in theirs:
        found = stranger(entry)
        assert found is None or found.rule is Rule.REPORT


# --- books that agree ----------------------------------------------------------------------------

NOT_BOUGHT: Final = {L.WAITING, L.QUOTED, L.IN_DOUBT}
PLACING: Final = {L.WAITING: S.PLACING, L.QUOTED: S.QUOTED, L.IN_DOUBT: S.IN_DOUBT}


@st.composite
def sound_orders(draw: st.DrawFn) -> OurOrder:
    """An order as it can be: of one call, so its lines are all bought or all not yet."""
    pool = draw(st.sampled_from([*({each} for each in NOT_BOUGHT), {*L} - NOT_BOUGHT]))
    states = draw(st.lists(st.sampled_from(sorted(pool)), min_size=1, max_size=3))
    bought = not {*states} & NOT_BOUGHT
    amounts = [draw(st.decimals(0, 99, places=3)) for _ in states]
    alive = [
        n for n, each in enumerate(states) if each is L.DELIVERED or each not in TERMINAL_LINES
    ]
    total = Money(sum((amounts[n] for n in alive), Decimal(0)), "EUR")
    order = OurOrder(
        order_id=OrderId(new_uuid()),
        state=final_state(states) or PLACING.get(states[0], S.PLACED),
        provider_ref="9" if bought or draw(st.booleans()) else None,
        lines=[
            OurLine(line_ref=f"ref-{n}", provider_line_ref=f"55{n}", state=state)
            for n, state in enumerate(states)
        ],
        total=total if bought else None,
        max_total=draw(st.sampled_from([None, total])),
    )
    return (
        replace(order, state=S.PARKED)
        if draw(st.booleans()) and final_state(states) is None
        else order
    )


def there(state: LineState) -> LineState | None:
    """What a provider says of a line that stands so here; of what is not bought, maybe nothing."""
    return state if state not in {L.WAITING, L.IN_DOUBT} else L.QUOTED


def by_line(ours: OurOrder) -> list[BookEntry]:
    """As Hyperteknoloji lists: line by line, each with our reference."""
    assert ours.provider_ref is not None
    share = ours.total and Money(ours.total.amount, "EUR")
    return [
        BookEntry(
            provider_ref=ours.provider_ref,
            provider_line_ref=line.provider_line_ref or "",
            ref=line.line_ref,
            state=there(line.state),
            said="1",
            price=share if _is_first_alive(ours, n) else share and Money(Decimal(0), "EUR"),
        )
        for n, line in enumerate(ours.lines)
    ]


def by_line_nameless(ours: OurOrder) -> list[BookEntry]:
    """The same where the list bears no reference."""
    return [replace(entry, ref=None) for entry in by_line(ours)]


def by_order(ours: OurOrder) -> list[BookEntry]:
    """As Gifthub, Adobe and Threekit tell: the whole order, with its id."""
    assert ours.provider_ref is not None
    return [
        BookEntry(
            provider_ref=ours.provider_ref,
            ref=ours.order_id.hex,
            state=there(whole_state(ours.lines)),
            said="1000",
            price=ours.total,
        )
    ]


def unpriced(ours: OurOrder) -> list[BookEntry]:
    """The same where the list shows no price."""
    return [replace(entry, price=None) for entry in by_order(ours)]


def in_other_words(ours: OurOrder) -> list[BookEntry]:
    """The same in words that nobody documented."""
    return [replace(entry, state=None, price=None) for entry in by_line(ours)]


def _is_first_alive(ours: OurOrder, number: int) -> bool:
    alive = [
        n
        for n, line in enumerate(ours.lines)
        if line.state is L.DELIVERED or line.state not in TERMINAL_LINES
    ]
    return alive[:1] == [number]


SHAPES: Final[Sequence[Callable[[OurOrder], list[BookEntry]]]] = (
    by_line,
    by_line_nameless,
    by_order,
    unpriced,
    in_other_words,
)


@given(sound_orders(), st.sampled_from(SHAPES))
def test_books_that_agree_have_no_difference(
    ours: OurOrder, shape: Callable[[OurOrder], list[BookEntry]]
) -> None:
    assert compare(ours, [] if ours.provider_ref is None else shape(ours)) == []
