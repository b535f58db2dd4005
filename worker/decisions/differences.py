"""What differs between our books and a provider's, and the rule for each difference."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import inf
from typing import Final

from schemas.money import Money
from worker.books import BookEntry, Difference, DifferenceKind, OurLine, OurOrder, Rule
from worker.lifecycle import TERMINAL_LINES, TERMINAL_ORDERS, LineState, OrderState, may_move
from worker.moves import breach

_L = LineState

_COSTS_NOTHING: Final = frozenset({_L.QUOTED, _L.REFUSED, _L.FAILED, _L.CANCELLED, _L.EXPIRED})
_ENDED_IN_VAIN: Final = TERMINAL_LINES - {_L.DELIVERED}
_NOT_BOUGHT_YET: Final = frozenset({_L.WAITING, _L.QUOTED, _L.IN_DOUBT})
_TAKEN_ON: Final = frozenset({_L.ACCEPTED, _L.PARTIALLY_DELIVERED, _L.DELIVERED})
_PLACED: Final = frozenset(
    {OrderState.PLACED, OrderState.FULFILLED, OrderState.PARTIALLY_FULFILLED}
)
"""The states in which an order is there, by what our books say."""


def compare(ours: OurOrder, entries: Sequence[BookEntry]) -> list[Difference]:
    """How one order differs from the entries that bear its id there, or a reference of it.

    Of a parked one a person has the word: only what may take it out of its doubt counts.
    """
    own = [entry for entry in entries if entry.provider_ref == ours.provider_ref]
    if ours.state is OrderState.PARKED:
        moves = (each for each in _status(ours, own, returned=False) if each.rule is Rule.MOVE)
        doubtful = whole_state(ours.lines) in _NOT_BOUGHT_YET
        return [*_others(ours, entries), *(moves if doubtful else ())]
    return [
        *_others(ours, entries),
        *_missing_there(ours, own),
        *_status(ours, own, returned=_is_returned(ours, entries)),
        *_price(ours, own),
    ]


def stranger(entry: BookEntry) -> Difference | None:
    """What an entry is that belongs to no order of ours; nothing where it costs nothing."""
    if not _is_live(entry):
        return None
    whose = "bears nothing of ours" if entry.ref is None else "bears a reference that no order has"
    return Difference(
        kind=DifferenceKind.MISSING_HERE,
        rule=Rule.REPORT,
        order_id=None,
        provider_ref=entry.provider_ref,
        line=entry.provider_line_ref,
        ours="no order",
        theirs=f"{_said(entry)}; {whose}",
    )


def _others(ours: OurOrder, entries: Iterable[BookEntry]) -> Iterator[Difference]:
    """Orders there that bear a reference of this one, and are not the one that it is known as."""
    live: defaultdict[str, list[BookEntry]] = defaultdict(list)
    for entry in entries:
        is_return = entry.gives_back is not None and entry.gives_back == ours.provider_ref
        if entry.provider_ref != ours.provider_ref and _is_live(entry) and not is_return:
            live[entry.provider_ref].append(entry)
    known = ours.provider_ref is not None or ours.state in TERMINAL_ORDERS
    for number, (ref, found) in enumerate(sorted(live.items(), key=_age)):
        if ref in ours.surplus:
            continue
        attached = number == 0 and not known
        yield Difference(
            kind=DifferenceKind.MISSING_HERE if attached else DifferenceKind.SURPLUS_ORDER,
            rule=Rule.ATTACH if attached else Rule.PARK,
            order_id=ours.order_id,
            provider_ref=ref,
            ours=f"{ours.state}, as {ours.provider_ref or 'no order there'}",
            theirs=_said(found[0]),
        )


def _missing_there(ours: OurOrder, own: Sequence[BookEntry]) -> Iterator[Difference]:
    """The whole order or, where each entry there is known to be of one line, some of its lines."""
    if ours.provider_ref is None or ours.state not in _PLACED:
        return
    missing = {"": str(ours.state)}
    if own:
        listed = {id(line) for line in ours.lines for each in own if _is_of(line, each)}
        told_apart = all(any(_is_of(line, each) for line in ours.lines) for each in own)
        missing = {
            line.provider_line_ref or line.line_ref: str(line.state)
            for line in ours.lines
            if told_apart and id(line) not in listed and line.state in _TAKEN_ON
        }
    for line_ref, state in missing.items():
        yield Difference(
            kind=DifferenceKind.MISSING_THERE,
            rule=Rule.PARK,
            order_id=ours.order_id,
            provider_ref=ours.provider_ref,
            line=line_ref,
            ours=state,
            theirs="not there",
        )


def _status(ours: OurOrder, own: Sequence[BookEntry], *, returned: bool) -> Iterator[Difference]:
    by_line = {entry.ref or entry.provider_line_ref: entry for entry in own}
    dead_here = all(line.state in _ENDED_IN_VAIN for line in ours.lines)
    if dead_here and ours.provider_ref in ours.surplus:
        return
    for entry, state in _beside(ours, by_line):
        rule = _rule(state, entry.state, returned=returned)
        if rule is None:
            continue
        yield Difference(
            kind=DifferenceKind.SURPLUS_ORDER if dead_here else DifferenceKind.STATUS_DIFFERS,
            rule=rule,
            order_id=ours.order_id,
            provider_ref=entry.provider_ref,
            line=entry.provider_line_ref,
            ours=str(state),
            theirs=_said(entry),
        )
        if dead_here:
            return  # the whole order there is one too many


def _rule(ours: LineState, theirs: LineState | None, *, returned: bool) -> Rule | None:
    """What a state there means for ours; nothing where they agree, or where only time will tell."""
    if theirs is None or theirs is ours:
        return None
    if ours in _ENDED_IN_VAIN:
        return None if theirs in _COSTS_NOTHING or returned else Rule.PARK
    if ours in _NOT_BOUGHT_YET:
        return None if theirs in _COSTS_NOTHING else Rule.MOVE
    return Rule.MOVE if may_move(ours, theirs) else Rule.PARK


def _price(ours: OurOrder, own: Sequence[BookEntry]) -> Iterator[Difference]:
    prices = [entry.price for entry in own if _is_live(entry)]
    currencies = {price.currency for price in prices if price is not None}
    if None in prices or len(currencies) != 1 or not _is_whole(ours, own):
        return
    amount = sum((price.amount for price in prices if price is not None), Decimal(0))
    theirs = Money(amount, currencies.pop())
    broken = breach(ours.max_total, theirs)
    if ours.total is not None and _same(ours.total, theirs) and broken is None:
        return
    yield Difference(
        kind=DifferenceKind.PRICE_DIFFERS,
        rule=Rule.RECORD if broken is None else Rule.ALERT,
        order_id=ours.order_id,
        provider_ref=ours.provider_ref,
        ours="unknown" if ours.total is None else str(ours.total),
        theirs=str(theirs) if broken is None else f"{theirs}: {broken}",
        total=theirs,
    )


def _beside(
    ours: OurOrder, by_line: Mapping[str, BookEntry]
) -> Iterator[tuple[BookEntry, LineState]]:
    """Each entry beside what our books say of the same: of a line, or of the whole order."""
    lines = {id(entry): line for line in ours.lines if (entry := _of(line, by_line)) is not None}
    for entry in by_line.values():
        line = lines.get(id(entry))
        yield entry, whole_state(ours.lines) if line is None else line.state


def _is_of(line: OurLine, entry: BookEntry) -> bool:
    by_ref = entry.ref == line.line_ref
    return by_ref or entry.provider_line_ref == (line.provider_line_ref or line.line_ref)


def _of(line: OurLine, by_line: Mapping[str, BookEntry]) -> BookEntry | None:
    return by_line.get(line.line_ref) or by_line.get(line.provider_line_ref or line.line_ref)


def whole_state(lines: Sequence[OurLine]) -> LineState:
    """Where an order stands as a whole, in a line's words."""
    states = {line.state for line in lines}
    if len(states) == 1:
        return next(iter(states))
    if states <= TERMINAL_LINES:
        return _L.DELIVERED if _L.DELIVERED in states else _L.FAILED
    if states & {_L.DELIVERED, _L.PARTIALLY_DELIVERED}:
        return _L.PARTIALLY_DELIVERED
    return _L.ACCEPTED if _L.ACCEPTED in states else _L.IN_DOUBT


def _is_whole(ours: OurOrder, own: Sequence[BookEntry]) -> bool:
    """Whether the entries are all there is of the order: their prices then make its total."""
    names = {line.line_ref for line in ours.lines}
    lined = [entry for entry in own if entry.provider_line_ref or entry.ref in names]
    alive = [line for line in ours.lines if line.state not in _ENDED_IN_VAIN]
    return bool(own) and (not lined or len(lined) >= len(alive))


def _is_live(entry: BookEntry) -> bool:
    """Whether it costs something, for all that is known."""
    return entry.state not in _COSTS_NOTHING


def _is_returned(ours: OurOrder, entries: Iterable[BookEntry]) -> bool:
    return ours.provider_ref is not None and any(
        entry.gives_back == ours.provider_ref and _is_live(entry) for entry in entries
    )


def _same(one: Money, other: Money) -> bool:
    return one.currency == other.currency and one.amount == other.amount


def _said(entry: BookEntry) -> str:
    return entry.said if entry.state is None else f"{entry.state} ({entry.said})"


def _age(found: tuple[str, Sequence[BookEntry]]) -> tuple[float, str]:
    """The oldest first: where something was ordered twice, that is ours."""
    ref, entries = found
    known = [each.placed_at.timestamp() for each in entries if each.placed_at is not None]
    return min(known, default=inf), ref
