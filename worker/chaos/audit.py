"""The audit: our rows, the remotes' books and the receivers' notes, held against each other. Pure.

Each function gives one sentence for each breach that it found; where there is none, it was kept.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from schemas.intents import FaultCode, IntentFault, read_intent
from worker.chaos.evidence import Evidence, Order
from worker.chaos.submitting import Key, Sent
from worker.lifecycle import TERMINAL_ORDERS, OrderState
from worker.sandbox.books import Row
from worker.store.intake import EntryKind

Breaches = list[str]

_LIVE: Final = frozenset({OrderState.PLACED, OrderState.FULFILLED, OrderState.PARTIALLY_FULFILLED})
_DEAD: Final = TERMINAL_ORDERS - _LIVE
_UNSAID: Final = "(no reference)"


@dataclass(frozen=True)
class Audit:
    """The audit of one run."""

    seen: Evidence

    @cached_property
    def orders(self) -> Mapping[Key, Order]:
        """Our orders by their keys."""
        return {order.key: order for order in self.seen.ours.orders}

    @cached_property
    def _rows(self) -> Mapping[str, list[tuple[str, Row]]]:
        """Every row at a remote that cost money once, by the order of ours that it is of."""
        owners = {ref: order.order_id for order in self.seen.ours.orders for ref in order.refs}
        found: dict[str, list[tuple[str, Row]]] = {}
        for remote, rows in self.seen.theirs.items():
            for row in rows:
                if row.bought_at is not None:
                    found.setdefault(owners.get(row.ref or "", ""), []).append((remote, row))
        return found

    def _live(self, order: Order) -> set[tuple[str, str]]:
        """The orders at remotes that cost money for an order of ours."""
        return {(r, row.order_id) for r, row in self._rows.get(order.order_id, ()) if row.live}

    @cached_property
    def _set_aside(self) -> Mapping[tuple[str, str], str]:
        return {(each.stream, each.entry_id): each.code for each in self.seen.ours.quarantined}

    # --- P1: accepted once --------------------------------------------------------------------

    def lost(self) -> Breaches:
        """Acknowledged entries that are neither what they ask for nor quarantined."""
        return [*self._lost_intents(), *self._lost_wishes()]

    def _lost_intents(self) -> Iterable[str]:
        for sent in self.seen.sent:
            if sent.kind is not EntryKind.INTENT or (sent.stream, sent.entry_id) in self._set_aside:
                continue
            order = self.orders.get((sent.producer, sent.intent_id))
            if order is None:
                yield f"{_named(sent)} is neither an order nor quarantined"
            elif order.fingerprint != _fingerprint(sent):
                yield f"{_named(sent)} has other content than its order, and is not quarantined"

    def _lost_wishes(self) -> Iterable[str]:
        acknowledged = Counter(
            (sent.producer, sent.intent_id)
            for sent in self.seen.sent
            if sent.kind is EntryKind.CANCEL and (sent.stream, sent.entry_id) not in self._set_aside
        )
        for key, count in acknowledged.items():
            written = self.orders[key].cancels if key in self.orders else 0
            if written < count:
                yield f"{count - written} of {count} wishes to call {key[1]} off left no trace"

    def invented(self) -> Breaches:
        """Orders and quarantined entries that nobody sent, and orders that are there twice."""
        keys = Counter(order.key for order in self.seen.ours.orders)
        asked = {(sent.producer, sent.intent_id) for sent in self.seen.sent}
        entries = {(sent.stream, sent.entry_id) for sent in self.seen.sent}
        return [
            *(f"{key[1]} is {count} orders" for key, count in keys.items() if count > 1),
            *(f"nobody asked for {key[1]}" for key in keys if key not in asked),
            *(
                f"{each.stream} {each.entry_id} is quarantined, and nobody sent it"
                for each in self.seen.ours.quarantined
                if (each.stream, each.entry_id) not in entries
                and each.digest not in self.seen.unsure
            ),
        ]

    def wrongly_quarantined(self) -> Breaches:
        """Entries in order that were set aside, for another reason than what came before them."""
        return [
            f"{_named(sent)} is in order, and quarantined: {code}"
            for sent in self.seen.sent
            if (code := self._set_aside.get((sent.stream, sent.entry_id))) is not None
            and code not in _excuses(sent)
        ]

    # --- P2: bought at most once --------------------------------------------------------------

    def bought_twice(self) -> Breaches:
        """One sentence for each live order at a remote beyond an order's first."""
        return [
            f"{order.intent_id} is live more than once: {remote} {order_id}"
            for order in self.seen.ours.orders
            for remote, order_id in sorted(self._live(order))[1:]
        ]

    def strays(self) -> Breaches:
        """Live orders at a remote that belong to none of ours."""
        live = {
            (remote, row.order_id, row.ref or _UNSAID)
            for remote, row in self._rows.get("", ())
            if row.live
        }
        return [
            f"{remote} {order_id} ({ref}) is nobody's" for remote, order_id, ref in sorted(live)
        ]

    # --- P3: never late -----------------------------------------------------------------------

    def late(self) -> Breaches:
        """Purchases after the end of their quote, by the remote's own time of buying."""
        said: dict[tuple[str, str], str] = {}
        for order in self.seen.ours.orders:
            for remote, row in self._rows.get(order.order_id, ()):
                if order.expires_at is None or row.bought_at is None:
                    continue
                if row.bought_at > order.expires_at:
                    seconds = (row.bought_at - order.expires_at).total_seconds()
                    said[remote, row.order_id] = (
                        f"{order.intent_id} was bought {seconds:.2f} s after its quote's end"
                    )
        return list(said.values())

    def begun_late(self) -> Breaches:
        """Purchases that we began although they could have ended too late, by our own rows."""
        return [f"{what} was begun too late" for what in self.seen.ours.begun_late]

    # --- P4: every line told ------------------------------------------------------------------

    def unheard(self) -> Breaches:
        """Events whose producer has no verified first receipt of them."""
        heard = self.seen.received.first
        return [
            f"{told.subject} {told.sequence} ({told.type}) was never received"
            for told in self.seen.ours.told
            if told.webhook_id not in heard
        ]

    def disorderly(self) -> Breaches:
        """Subjects of which a later change was heard before an earlier one."""
        return [
            f"{subject} was heard in the order {heard}"
            for (_, subject), heard in self.seen.received.sequences().items()
            if heard != sorted(heard)
        ]

    def gaps(self) -> Breaches:
        """Subjects whose changes are not numbered 1, 2, 3…, and receipts of no event of ours."""
        numbers: dict[tuple[str, str], list[int]] = {}
        for told in self.seen.ours.told:
            numbers.setdefault((told.producer, told.subject), []).append(told.sequence)
        events = {told.webhook_id for told in self.seen.ours.told}
        return [
            *(
                f"{subject} has the changes {found}"
                for (_, subject), found in numbers.items()
                if sorted(found) != list(range(1, len(found) + 1))
            ),
            *(
                f"{each} tells of no event"
                for each in self.seen.received.first
                if each not in events
            ),
        ]

    # --- P6 and the truth ---------------------------------------------------------------------

    def unresolved(self) -> Breaches:
        """Orders that are neither finished nor parked, and wishes without an answer."""
        return [
            *(
                f"{order.intent_id} is {order.state}"
                for order in self.seen.ours.orders
                if not order.at_rest
            ),
            *(
                f"the wish to call {order.intent_id} off has no answer"
                for order in self.seen.ours.orders
                if order.at_rest and order.wish_open
            ),
        ]

    def untrue(self) -> Breaches:
        """Orders that say they were bought and were not, or the other way round.

        A parked one may be either: that is why it is parked.
        """
        found = []
        for order in self.seen.ours.orders:
            live = bool(self._live(order))
            if order.state in _LIVE and live == order.previews:
                found.append(f"{order.intent_id} is {order.state}, and {_is(live=live)} live")
            if order.state in _DEAD and live:
                found.append(f"{order.intent_id} is {order.state}, and live at {order.provider}")
        return found


def _is(*, live: bool) -> str:
    return "is" if live else "is not"


def _named(sent: Sent) -> str:
    return f"{sent.sort} {sent.intent_id} ({sent.entry_id})"


def _fingerprint(sent: Sent) -> str | None:
    try:
        return read_intent(sent.raw, producer=sent.producer).fingerprint
    except IntentFault:
        return None


def _excuses(sent: Sent) -> frozenset[str]:
    """For what an entry may be set aside; for anything, where nothing can come of it.

    Two workers read a stream at once, so of two intents with one id either may come first, and a
    wish may come before what it is about.
    """
    if sent.kind is EntryKind.CANCEL:
        return frozenset({FaultCode.UNKNOWN_INTENT})
    if _fingerprint(sent) is None:
        return frozenset(FaultCode)
    return frozenset({FaultCode.REPEATED_WITH_OTHER_CONTENT})
